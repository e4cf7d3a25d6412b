-- Says which types of events some active flow listens to; "*" stands for all. Called by the trigger on the studio's flows.
create or replace function public.want_studio_events(p_types text[]) returns void
language sql security definer set search_path = '' as $$
  update public.studio_event_types set is_wanted = wanted.is_wanted
    from (select type, coalesce(type = any (p_types) or '*' = any (p_types), false) as is_wanted from public.studio_event_types) wanted
    where wanted.type = studio_event_types.type and wanted.is_wanted <> studio_event_types.is_wanted
$$;
revoke all on function public.want_studio_events from public;
grant execute on function public.want_studio_events to studio;
