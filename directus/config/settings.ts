/** The one row of directus_settings. What is not named here stays as an administrator set it in the studio. */
export const settings = {
	id: 1,
	project_name: "LightSpeedPay",
	project_descriptor: "Payment studio",
	project_color: "#0F766E",
	// The project's colour is too dark to read on the dark theme.
	theme_dark_overrides: { primary: "#17A393" },
	default_language: "en-US",
	default_appearance: "auto",
	auth_login_attempts: 10,
	// Ten characters and more, of any kind: length beats ornaments.
	auth_password_policy: "/^.{10,}$/",
	// People are invited.
	public_registration: false,
	mcp_enabled: false,
	collaborative_editing_enabled: false,
	// The studio's other areas are reached from Home's navigation.
	module_bar: [
		{ type: "module", id: "home", enabled: true },
		{ type: "module", id: "content", enabled: true },
		{ type: "module", id: "users", enabled: true },
		{ type: "module", id: "insights", enabled: true },
		{ type: "module", id: "files", enabled: false },
		{ type: "module", id: "visual", enabled: false },
		{ type: "module", id: "deployment", enabled: false },
		{ type: "module", id: "settings", enabled: true, locked: true },
	],
};
