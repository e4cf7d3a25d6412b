import { Validator } from "@seriousme/openapi-schema-validator";
import type { Router } from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../../db/client/errors.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { buildApp } from "../../app.ts";
import { type Answer, ask, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

let database: TestDatabase;
let checkout: TestCheckout;
let openapi: Answer;

beforeAll(async () => {
	database = await createTestDatabase();
	checkout = await startTestCheckout(database);
	openapi = await ask(`${checkout.url}/openapi.json`);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

interface Layer {
	route?: { path: string | string[]; methods: Record<string, boolean> };
	handle: { stack?: Layer[] };
}

/** What the application answers, as OpenAPI writes it. */
function routesOf(stack: Layer[]): string[] {
	return stack.flatMap(({ route, handle }) => {
		if (route === undefined) return routesOf(handle.stack ?? []);
		const paths = [route.path].flat().flatMap((each) => {
			const path = each.replaceAll(/:(\w+)/g, "{$1}");
			return path.includes("{/") ? [path.replace(/\{\/.*/, ""), path.replace("{/{", "/{").slice(0, -1)] : [path];
		});
		return paths.flatMap((each) => Object.keys(route.methods).map((method) => `${method} ${each}`));
	});
}

describe("GET /openapi.json", () => {
	it("is valid OpenAPI 3.1", async () => {
		expect(openapi.status).toBe(200);
		const validator = new Validator();
		expect(await validator.validate(structuredClone(openapi.body))).toEqual({ valid: true });
		expect(validator.version).toBe("3.1");
	});

	it("describes every route of the API, and none that is not there", () => {
		const described = Object.entries<object>(openapi.body.paths).flatMap(([path, item]) =>
			Object.keys(item).map((method) => `${method} ${path}`),
		);
		const app = buildApp(checkout.dependencies);
		const answered = routesOf((app.router as unknown as Router & { stack: Layer[] }).stack).filter(
			// Pages for people and their parts.
			(route) => !/ \/(pay\/|l\/|logos\/|assets\/|docs$|openapi\.json$)/.test(route),
		);
		expect(described.sort()).toEqual([...new Set(answered)].sort());
	});

	it("names every code that an error can carry", () => {
		expect(openapi.body.components.schemas.Error.properties.error.properties.code.enum.toSorted()).toEqual(
			ERROR_CODES.toSorted(),
		);
	});
});

describe("GET /docs", () => {
	it("shows every operation and example without anything from elsewhere", async () => {
		const { status, headers, body } = await ask(`${checkout.url}/docs`);
		expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
		for (const path of Object.keys(openapi.body.paths)) expect(body).toContain(path);
		for (const language of ["curl", "Node", "Python", "PHP"]) expect(body).toContain(`<summary>${language}</summary>`);
		expect(body).toContain("hmac.new(CLIENT_SALT.encode()");
		expect(body).not.toMatch(/<script|<link|src=|\[object Object\]/);
		expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+';/);
	});
});
