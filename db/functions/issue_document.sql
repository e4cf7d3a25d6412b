-- Issues one invoice or credit note for a closed month, in the caller's transaction: takes the next number of its series and
-- financial year, freezes who and what, and adds the job that draws the PDF. The number is given back with the rest when the
-- transaction does not commit, so there are no gaps; the series' row puts concurrent documents in order.
--
-- p_lines: array of {kind, fee_percent, gst_percent, quantity, volume, taxable_amount, gst}, paise, the GST as it was booked.
-- Rounding: commission and GST were rounded for each payment, half up, when they were booked; a document adds them up and rounds
-- nothing again. Within the supplier's state half of the GST is CGST and half SGST, the odd paisa of the whole invoice CGST's; across
-- states all of it is IGST. The credit notes of one invoice go on halving where the one before stopped, so that together they take
-- back of neither tax more than the invoice charged, and of a whole invoice exactly what it charged.
-- A credit note goes to whom the invoice went to, under the number it was registered with then.
-- No document is dated before the one with the number before it, whatever clocks do.
-- Locks: the series.
create or replace function public.issue_document(
  p_kind text, p_client_id uuid, p_month date, p_credited_invoice_id uuid, p_lines jsonb
) returns public.invoices
language plpgsql security definer set search_path = '' as $$
declare
  v_profile public.company_profile;
  v_client public.clients;
  v_invoice public.invoices;
  v_credited public.invoices;
  v_line record;
  v_supply text;
  v_interstate boolean;
  v_supplier_state text;
  -- of the lines so far; on a credit note also of the notes before it
  v_gst bigint := 0;
  v_cgst bigint;
  v_today date;
  v_line_no integer := 0;
  v_lines public.invoice_lines[] := '{}';
begin
  select * into strict v_profile from public.company_profile;
  select * into strict v_client from public.clients where id = p_client_id;
  v_supplier_state := left(v_profile.gstin, 2);
  if p_credited_invoice_id is null then
    -- where the recipient is registered, else where it is known to be, else where the supplier is
    v_supply := coalesce(left(v_client.gstin, 2), v_client.state_code, v_supplier_state);
  else
    select * into strict v_credited from public.invoices where id = p_credited_invoice_id;
    -- a credit note takes back the taxes that its invoice charged
    v_supply := v_credited.place_of_supply;
    v_supplier_state := left(v_credited.supplier ->> 'gstin', 2);
    -- a merchant's months are closed one after the other, so no other note on this invoice is being made
    select coalesce(sum(cgst + sgst), 0) into v_gst from public.invoices where credited_invoice_id = p_credited_invoice_id;
  end if;
  v_interstate := v_supply <> v_supplier_state;

  v_invoice.taxable_amount := 0;
  v_invoice.cgst := 0;
  v_invoice.sgst := 0;
  v_invoice.igst := 0;
  for v_line in
    select * from jsonb_to_recordset(p_lines) l (kind text, fee_percent numeric, gst_percent numeric, quantity integer, volume bigint,
      taxable_amount bigint, gst bigint)
      order by l.kind, l.gst_percent, l.fee_percent
  loop
    v_line_no := v_line_no + 1;
    -- halves of the running sum, so that the halves of the lines add up to the halves of the whole
    v_cgst := case when v_interstate then 0 else (v_gst + v_line.gst + 1) / 2 - (v_gst + 1) / 2 end;
    v_gst := v_gst + v_line.gst;
    v_lines := v_lines || row(null, v_line_no, v_line.kind, v_line.fee_percent, v_line.gst_percent, v_line.quantity, v_line.volume,
      v_line.taxable_amount, v_cgst, case when v_interstate then 0 else v_line.gst - v_cgst end,
      case when v_interstate then v_line.gst else 0 end)::public.invoice_lines;
    v_invoice.taxable_amount := v_invoice.taxable_amount + v_line.taxable_amount;
    v_invoice.cgst := v_invoice.cgst + v_lines[v_line_no].cgst;
    v_invoice.sgst := v_invoice.sgst + v_lines[v_line_no].sgst;
    v_invoice.igst := v_invoice.igst + v_lines[v_line_no].igst;
  end loop;

  v_today := (clock_timestamp() at time zone 'Asia/Kolkata')::date;
  insert into public.document_series as s (kind, financial_year, last_number)
    values (p_kind, public.financial_year(v_today), 1)
    on conflict on constraint document_series_pkey do update set last_number = s.last_number + 1
    returning s.financial_year, s.last_number into v_invoice.financial_year, v_invoice.number;
  -- the series may have been waited for past midnight
  v_today := greatest(v_today, (select issued_on from public.invoices
    where kind = p_kind and financial_year = v_invoice.financial_year and number = v_invoice.number - 1));
  insert into public.invoices (kind, client_id, month, credited_invoice_id, financial_year, number, document_no, issued_on, supplier,
      recipient, sac, place_of_supply, taxable_amount, cgst, sgst, igst, total)
    values (p_kind, p_client_id, p_month, p_credited_invoice_id, v_invoice.financial_year, v_invoice.number,
      format('%s/%s/%s', case p_kind when 'invoice' then v_profile.invoice_prefix else v_profile.credit_note_prefix end,
        v_invoice.financial_year, lpad(v_invoice.number::text, 6, '0')),
      v_today,
      coalesce(v_credited.supplier, jsonb_build_object('name', v_profile.legal_name, 'address', v_profile.address, 'gstin', v_profile.gstin,
        'email', v_profile.email, 'phone', v_profile.phone))
        || jsonb_build_object('upi_vpa', v_profile.upi_vpa, 'bank_account', v_profile.bank_account),
      coalesce(v_credited.recipient, jsonb_build_object(
        'name', coalesce(nullif(trim(v_client.legal_name), ''), v_client.company_name),
        'trade_name', v_client.company_name, 'address', v_client.address, 'gstin', v_client.gstin, 'email', v_client.email,
        'phone', v_client.phone)),
      coalesce(v_credited.sac, v_profile.sac), v_supply, v_invoice.taxable_amount, v_invoice.cgst, v_invoice.sgst, v_invoice.igst,
      v_invoice.taxable_amount + v_invoice.cgst + v_invoice.sgst + v_invoice.igst)
    returning * into v_invoice;
  insert into public.invoice_lines (invoice_id, line_no, kind, fee_percent, gst_percent, quantity, volume, taxable_amount, cgst, sgst, igst)
    select v_invoice.id, l.line_no, l.kind, l.fee_percent, l.gst_percent, l.quantity, l.volume, l.taxable_amount, l.cgst, l.sgst, l.igst
      from unnest(v_lines) l;
  perform graphile_worker.add_job('draw_invoice', json_build_object('invoice_id', v_invoice.id), max_attempts => 10);
  return v_invoice;
end
$$;
revoke all on function public.issue_document from public;
