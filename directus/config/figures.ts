/** Figures of closed hours, which the dashboards draw; they stand in no list. */
import { type Collection, identifier, label, number, text, time, written } from "./fields.ts";

const day = text("day", label("Day", "दिन"), { interface: "datetime" });
const hour = time("hour", label("Hour", "घंटा"));
const figure = (field: string, name: ReturnType<typeof label>) => number(field, name, {}, "");

export const figures: Collection[] = [
	{
		collection: "payment_hours",
		label: label("Payments an hour", "प्रति घंटा भुगतान"),
		icon: "query_stats",
		hidden: true,
		fields: written([
			hour,
			day,
			text("provider", label("Provider", "प्रदाता")),
			figure("payments", label("Payments", "भुगतान")),
			figure("amount", label("Volume in paise", "राशि (पैसे)")),
			figure("amount_rupees", label("Volume in rupees", "राशि (रुपये)")),
			figure("succeeded", label("Successful attempts", "सफल प्रयास")),
			figure("failed", label("Failed attempts", "असफल प्रयास")),
			figure("success_rate", label("Success rate", "सफलता दर")),
			identifier(),
		]),
	},
	{
		collection: "commission_hours",
		label: label("Commission an hour", "प्रति घंटा कमीशन"),
		icon: "query_stats",
		hidden: true,
		fields: written([
			hour,
			day,
			figure("commission", label("Commission in paise", "कमीशन (पैसे)")),
			figure("gst", label("GST in paise", "जीएसटी (पैसे)")),
			figure("commission_rupees", label("Commission in rupees", "कमीशन (रुपये)")),
			figure("gst_rupees", label("GST in rupees", "जीएसटी (रुपये)")),
			identifier(),
		]),
	},
	{
		collection: "webhook_hours",
		label: label("Webhook deliveries an hour", "प्रति घंटा वेबहुक"),
		icon: "query_stats",
		hidden: true,
		fields: written([
			hour,
			day,
			figure("delivered", label("Delivered", "पहुँचे")),
			figure("failed", label("Failed", "असफल")),
			identifier(),
		]),
	},
];
