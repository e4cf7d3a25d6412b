-- The SHA-256 that chains a wallet's entry to the one before it (p_before; 32 bytes of zeros before the first). What is hashed is written
-- down in docs/ledger.md; scripts/verify-ledger.ts computes it again without this function. Where a value is changed, so is the version
-- in its first line.
-- A plain expression, so that it becomes part of the caller's.
create or replace function public.entry_hash(
  p_before bytea, p_client_id uuid, p_entry_no bigint, p_id uuid, p_type text, p_amount bigint, p_balance_after bigint,
  p_transaction_id uuid, p_refund_id uuid, p_dispute_id uuid, p_created_at timestamptz, p_description text
) returns bytea
language sql stable as $$
  select sha256(convert_to(concat_ws(E'\n', 'lightspeedpay.ledger.v1', encode(p_before, 'hex'), p_client_id, p_entry_no, p_id, p_type,
    p_amount, p_balance_after, coalesce(p_transaction_id::text, '-'), coalesce(p_refund_id::text, '-'), coalesce(p_dispute_id::text, '-'),
    to_char(p_created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), coalesce('=' || p_description, '-')), 'UTF8'))
$$;
revoke all on function public.entry_hash from public;
