-- Replaces who we are on invoices from now on; documents that are issued keep what they had. p_profile has the columns of
-- company_profile, an empty text is null. Audited with the person's id.
-- Errors: LS080 invalid_gstin, LS091 invalid_company_profile (the detail names the column).
create or replace function public.save_company_profile(p_profile jsonb, p_actor text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_constraint text;
begin
  perform set_config('app.actor', coalesce(p_actor, ''), true);
  update public.company_profile set (legal_name, address, gstin, email, phone, sac, invoice_prefix, credit_note_prefix, upi_vpa,
      bank_account, adjustment_limit, updated_at) = (
    select nullif(trim(n.legal_name), ''), nullif(trim(n.address), ''), nullif(upper(trim(n.gstin)), ''), nullif(trim(n.email), ''),
        nullif(trim(n.phone), ''), coalesce(nullif(trim(n.sac), ''), '997158'), upper(trim(n.invoice_prefix)),
        upper(trim(n.credit_note_prefix)), nullif(trim(n.upi_vpa), ''), nullif(trim(n.bank_account), ''), n.adjustment_limit, now()
      from jsonb_populate_record(null::public.company_profile, p_profile) n);
  return public.read_company_profile();
exception
  when check_violation or not_null_violation or invalid_text_representation or numeric_value_out_of_range then
    get stacked diagnostics v_constraint = constraint_name;
    raise exception using errcode = 'LS091', message = 'this cannot be printed on an invoice',
      detail = regexp_replace(v_constraint, '^company_profile_(.*)_check$', '\1'),
      hint = coalesce((jsonb_build_object(
        'company_profile_gstin_check', 'A GSTIN has 15 characters, like 27AAPFU0939F1ZV.',
        'company_profile_sac_check', 'A services accounting code begins with 99 and has 4 to 6 digits.',
        'company_profile_invoice_prefix_check', 'A prefix has one to three capital letters or digits.',
        'company_profile_credit_note_prefix_check', 'A prefix has one to three capital letters or digits.',
        'company_profile_prefixes_check', 'Invoices and credit notes need different prefixes.',
        'company_profile_upi_vpa_check', 'A UPI address looks like name@bank.',
        'company_profile_adjustment_limit_check', 'Enter a limit of zero or more.') ->> v_constraint),
        'Name, address and bank details have to be short enough for the page; both prefixes and the limit are needed.');
end
$$;
revoke all on function public.save_company_profile from public;
grant execute on function public.save_company_profile to studio;
