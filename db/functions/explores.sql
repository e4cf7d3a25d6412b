-- Whether a decision in dynamic mode is spent on learning: 3 % are.
create or replace function public.explores(p_mode text) returns boolean
language sql volatile parallel safe as $$
  select p_mode = 'dynamic' and random() < 0.03
$$;
