-- On Directus' own tables, which belong to the role studio; the functions are in db/functions. Applied by prepare.ts whenever this
-- file changed. Not on last_access, last_page and the like, which every click writes.

create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_access
  for each row execute function public.renew_studio_rights();
create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_policies
  for each row execute function public.renew_studio_rights();
create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_permissions
  for each row execute function public.renew_studio_rights();
create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_roles
  for each row execute function public.renew_studio_rights();
create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_collections
  for each row execute function public.renew_studio_rights();
create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_fields
  for each row execute function public.renew_studio_rights();
create or replace trigger lightspeedpay_rights after insert or update or delete on directus.directus_relations
  for each row execute function public.renew_studio_rights();

create or replace trigger lightspeedpay_session after insert or update or delete on directus.directus_sessions
  for each row execute function public.follow_studio_session();

create or replace trigger lightspeedpay_audit
  after insert or delete or update of email, role, status, token, tfa_secret, password on directus.directus_users
  for each row execute function public.audit_studio_person();
-- What the code writes by itself at a start has no person; what a person does has.
create or replace trigger lightspeedpay_audit after insert or update or delete on directus.directus_access
  for each row when (current_setting('app.actor', true) <> '') execute function public.audit_change();
create or replace trigger lightspeedpay_audit after insert or update or delete on directus.directus_policies
  for each row when (current_setting('app.actor', true) <> '') execute function public.audit_change();
create or replace trigger lightspeedpay_audit after insert or update or delete on directus.directus_permissions
  for each row when (current_setting('app.actor', true) <> '') execute function public.audit_change();
create or replace trigger lightspeedpay_audit after insert or update or delete on directus.directus_roles
  for each row when (current_setting('app.actor', true) <> '') execute function public.audit_change();

create or replace trigger lightspeedpay_events after insert or update or delete on directus.directus_flows
  for each statement execute function public.follow_studio_flows();
create or replace trigger lightspeedpay_events after insert or update or delete on directus.directus_operations
  for each statement execute function public.follow_studio_flows();
