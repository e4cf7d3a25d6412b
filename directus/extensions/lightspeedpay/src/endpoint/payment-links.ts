/** A payment link as it is shared: its address, a code to scan, and who has paid. */
import QRCode from "qrcode";
import { itemsOf, type Router, readId, type Studio } from "./context.ts";
import { addRoute } from "./routes.ts";

const SHOWN_PAYMENTS = 10;

export function addPaymentLinkRoutes(router: Router, studio: Studio, checkoutUrl: string): void {
	addRoute(router, studio, {
		method: "get",
		path: "/payment-links/:id",
		who: "reader",
		answer: async (req) => {
			const id = readId(req, "payment-links");
			const link = await itemsOf(studio, req, "payment_links").readOne(id, {
				fields: ["code", "usage", "is_disabled", "expires_at"],
			});
			const payments = await itemsOf(studio, req, "payment_link_payments").readByQuery({
				filter: { payment_link_id: { _eq: id } },
				fields: [
					"transaction_id.id",
					"transaction_id.order_id",
					"transaction_id.status",
					"transaction_id.paid_at",
					"transaction_id.created_at",
				],
				sort: ["-transaction_id"],
				limit: SHOWN_PAYMENTS,
			});
			const url = `${checkoutUrl}/l/${link.code}`;
			const made = payments.map(({ transaction_id }) => transaction_id as { paid_at: string | null });
			return {
				url,
				qr_svg: await QRCode.toString(url, { type: "svg", margin: 2, errorCorrectionLevel: "M" }),
				payments: made,
				closed_because:
					link.usage === "single" && made.some(({ paid_at }) => paid_at !== null)
						? "paid"
						: link.is_disabled
							? "disabled"
							: link.expires_at !== null && new Date(link.expires_at as string).getTime() <= Date.now()
								? "expired"
								: null,
			};
		},
	});
}
