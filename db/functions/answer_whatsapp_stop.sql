-- A person answered STOP (or START): the merchants who are written to at this number want no messages from now on (or want
-- them again). Audited. Returns how many merchants that changed.
create or replace function public.answer_whatsapp_stop(p_recipient text, p_stop boolean) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  v_client_id uuid;
  v_count integer := 0;
begin
  for v_client_id in
    -- whom we have written to at this number, and only there
    select distinct n.client_id from public.whatsapp_notifications n
      left join public.whatsapp_preferences p on p.client_id = n.client_id
      where n.recipient = p_recipient and (p.opted_out_at is null) = p_stop
      order by 1
  loop
    insert into public.whatsapp_preferences (client_id, opted_out_at) values (v_client_id, case when p_stop then now() end)
      on conflict (client_id) do update set opted_out_at = excluded.opted_out_at, updated_at = now();
    perform public.record_audit('whatsapp:' || right(p_recipient, 4), case when p_stop then 'whatsapp_opt_out' else 'whatsapp_opt_in' end,
      'whatsapp_preferences', v_client_id::text, jsonb_build_object('reason', 'answered by WhatsApp'));
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
revoke all on function public.answer_whatsapp_stop from public;
grant execute on function public.answer_whatsapp_stop to jobs;
