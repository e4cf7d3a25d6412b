-- Of the GST that a credit note takes back the odd paisa is whose it was on the invoice: CGST's in one note, SGST's in the next, so
-- that all notes of an invoice together take back of neither tax more than it charged. issue_document counts it.
alter table public.invoices
  drop constraint invoices_gst_check,
  add constraint invoices_gst_check check (
    (cgst = 0 and sgst = 0)
    or (igst = 0 and cgst - sgst between case kind when 'credit_note' then -1 else 0 end and 1));
