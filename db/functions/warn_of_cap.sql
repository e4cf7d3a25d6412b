-- Raises the warning about a merchant's cap when what is used of it goes past 80 %; once in a period, which p_period begins.
-- p_limit null = no cap.
create or replace function public.warn_of_cap(p_client_id uuid, p_cap text, p_period date, p_before bigint, p_after bigint, p_limit bigint)
returns void
language plpgsql security definer set search_path = '' as $$
begin
  if p_after * 5 >= p_limit * 4 and p_before * 5 < p_limit * 4 then
    perform public.raise_alert('cap_nearly_reached', 'warning',
      case p_cap
        when 'daily_count_cap' then 'A merchant has used 80 % of its daily payments.'
        when 'daily_amount_cap' then 'A merchant has used 80 % of its daily amount.'
        when 'monthly_amount_cap' then 'A merchant has used 80 % of its monthly amount.'
      end,
      jsonb_build_object('cap', p_cap, 'limit', p_limit),
      'cap:' || replace(p_cap, '_cap', '') || ':' || p_client_id || ':' || p_period, p_client_id);
  end if;
end
$$;
revoke all on function public.warn_of_cap from public;
