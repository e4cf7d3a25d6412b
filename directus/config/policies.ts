/** Ids of the policies that roles.ts describes; apart from it, because the extension's endpoints ask for them too. */
export const POLICIES = {
	administrator: "b0000000-0000-4000-8000-000000000001",
	operator: "b0000000-0000-4000-8000-000000000002",
	finance: "b0000000-0000-4000-8000-000000000003",
	support: "b0000000-0000-4000-8000-000000000004",
	auditor: "b0000000-0000-4000-8000-000000000005",
} as const;
