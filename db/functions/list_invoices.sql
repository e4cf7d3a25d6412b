-- A merchant's invoices and credit notes, newest first, before p_before (an id; null = from the newest), with their lines.
create or replace function public.list_invoices(p_client_id uuid, p_before uuid, p_limit integer) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select public.invoice_view(i.id)
      || jsonb_build_object('sha256', (select d.sha256 from public.invoice_documents d where d.invoice_id = i.id))
    from (select id from public.invoices x where x.client_id = p_client_id and (p_before is null or x.id < p_before)
      order by x.id desc limit least(p_limit, 100)) i
    order by i.id desc
$$;
revoke all on function public.list_invoices from public;
grant execute on function public.list_invoices to studio;
