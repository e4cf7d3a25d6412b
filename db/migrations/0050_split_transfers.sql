-- What a PSP says, after the payment, became of the part of it that it was asked to settle to us.
alter table public.payment_splits
  -- the PSP's name of it, and when the PSP came to say the latest; null = it has said nothing
  add column psp_transfer_id text,
  add column psp_updated_at timestamptz,
  -- what of it never came, or was taken back, and is therefore due again; paise
  add column returned_amount bigint not null default 0,
  add constraint payment_splits_returned_amount_check check (returned_amount between 0 and amount),
  add constraint payment_splits_told_check
    check ((psp_transfer_id is null) = (psp_updated_at is null) and (returned_amount = 0 or psp_updated_at is not null));

-- the types that there are, and what was split off and is due again
do $$
declare
  v_types constant text := (select pg_get_expr(conbin, conrelid) from pg_catalog.pg_constraint
    where conname = 'wallet_entries_type_check' and conrelid = 'public.wallet_entries'::regclass);
begin
  alter table public.wallet_entries drop constraint wallet_entries_type_check;
  execute format('alter table public.wallet_entries add constraint wallet_entries_type_check check (%s or type = ''COMMISSION_SPLIT_REVERSAL'')', v_types);
end
$$;
alter table public.wallet_entries add constraint wallet_entries_split_reversal_check
  check (type <> 'COMMISSION_SPLIT_REVERSAL' or (transaction_id is not null and amount > 0));
