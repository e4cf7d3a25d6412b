-- The task's name for an egress group: "<task>" or "<task>:<group>", which only workers of that group run. A plain expression,
-- which becomes part of the statement that asks for many.
create or replace function public.grouped_task(p_task text, p_egress_group text) returns text
language sql immutable as $$
  select p_task || coalesce(':' || p_egress_group, '')
$$;
revoke all on function public.grouped_task from public;
