-- Makes a table append-only, for every role.
-- Errors: LS010 append_only.
create or replace function public.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception using
    errcode = 'LS010',
    message = format('%s is append-only', tg_table_name),
    hint = 'Add a new row that corrects the old one instead.';
end
$$;

create or replace trigger wallet_entries_refuse_change before update or delete on public.wallet_entries
  for each row execute function public.refuse_change();
create or replace trigger wallet_entries_refuse_truncate before truncate on public.wallet_entries
  for each statement execute function public.refuse_change();
create or replace trigger upi_receipts_refuse_change before update or delete on public.upi_receipts
  for each row execute function public.refuse_change();
create or replace trigger upi_receipts_refuse_truncate before truncate on public.upi_receipts
  for each statement execute function public.refuse_change();
create or replace trigger audit_log_refuse_change before update or delete on public.audit_log
  for each row execute function public.refuse_change();
create or replace trigger audit_log_refuse_truncate before truncate on public.audit_log
  for each statement execute function public.refuse_change();
create or replace trigger billing_periods_refuse_change before update or delete on public.billing_periods
  for each row execute function public.refuse_change();
create or replace trigger billing_periods_refuse_truncate before truncate on public.billing_periods
  for each statement execute function public.refuse_change();
create or replace trigger invoices_refuse_change before update or delete on public.invoices
  for each row execute function public.refuse_change();
create or replace trigger invoices_refuse_truncate before truncate on public.invoices
  for each statement execute function public.refuse_change();
create or replace trigger invoice_lines_refuse_change before update or delete on public.invoice_lines
  for each row execute function public.refuse_change();
create or replace trigger invoice_lines_refuse_truncate before truncate on public.invoice_lines
  for each statement execute function public.refuse_change();
create or replace trigger invoice_documents_refuse_change before update or delete on public.invoice_documents
  for each row execute function public.refuse_change();
create or replace trigger invoice_documents_refuse_truncate before truncate on public.invoice_documents
  for each statement execute function public.refuse_change();
create or replace trigger manual_settlements_refuse_change before update or delete on public.manual_settlements
  for each row execute function public.refuse_change();
create or replace trigger manual_settlements_refuse_truncate before truncate on public.manual_settlements
  for each statement execute function public.refuse_change();
