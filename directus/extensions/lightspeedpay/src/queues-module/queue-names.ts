/** What the queues do, in words. One that is not here is shown by its own name. */
interface Words {
	en: string;
	hi: string;
}

const NAMES: Record<string, Words> = {
	create_psp_order: { en: "Make orders at payment providers", hi: "भुगतान प्रदाता पर ऑर्डर बनाना" },
	move_payment: { en: "Move payers to another gateway", hi: "भुगतानकर्ता को दूसरे गेटवे पर ले जाना" },
	process_gateway_event: { en: "Act on providers' webhooks", hi: "प्रदाताओं के वेबहुक पर कार्रवाई" },
	confirm_attempt: { en: "Ask providers what became of payments", hi: "प्रदाता से भुगतान की स्थिति पूछना" },
	pull_settlement: { en: "Pull settlement reports", hi: "निपटान रिपोर्ट लाना" },
	refund_payment: { en: "Refund payers", hi: "भुगतानकर्ता को रिफ़ंड" },
	deliver_webhook: { en: "Tell merchants by webhook", hi: "व्यापारी को वेबहुक भेजना" },
	send_alert: { en: "Send alerts to operators", hi: "ऑपरेटरों को चेतावनी भेजना" },
	send_alert_message: { en: "Tell alerts in Slack and by e-mail", hi: "स्लैक और ईमेल से चेतावनी बताना" },
	send_alert_summary: { en: "Sum up alerts that came at once", hi: "एक साथ आई चेतावनियों का सार" },
	send_whatsapp: { en: "Send WhatsApp messages", hi: "WhatsApp संदेश भेजना" },
	emit_studio_event: { en: "Start the studio's flows", hi: "स्टूडियो के फ़्लो चलाना" },
	process_whatsapp_event: { en: "Act on WhatsApp's reports", hi: "WhatsApp की सूचनाओं पर कार्रवाई" },
	replay_webhooks: { en: "Send webhooks again", hi: "वेबहुक फिर भेजना" },
	draw_invoice: { en: "Draw invoices", hi: "चालान बनाना" },
	release_webhooks: { en: "Send webhooks that waited", hi: "रुके हुए वेबहुक भेजना" },
	run_schedule: { en: "Run a schedule again", hi: "कोई नियत काम फिर चलाना" },
	expire_transactions: { en: "Expire unpaid payments", hi: "अधूरे भुगतान समाप्त करना" },
	poll_pending: { en: "Look for payments to ask about", hi: "पूछने योग्य भुगतान ढूँढना" },
	refresh_success_rates: { en: "Work out success rates", hi: "सफलता दर निकालना" },
	watch_success_rates: { en: "Compare gateways with last week", hi: "गेटवे की पिछले सप्ताह से तुलना" },
	clear_cooldowns: { en: "Take gateways back after cooling down", hi: "विराम के बाद गेटवे वापस लेना" },
	record_queue_metrics: { en: "Record these figures", hi: "ये आँकड़े दर्ज करना" },
	watch_queues: { en: "Watch over queues", hi: "कतारों पर नज़र" },
	watch_egress_groups: { en: "Watch over egress groups", hi: "निकास समूहों पर नज़र" },
	settle: { en: "Settlement reports, hourly", hi: "हर घंटे निपटान रिपोर्ट" },
	reconcile: { en: "Compare with settlement reports", hi: "निपटान रिपोर्ट से मिलान" },
	check_invariants: { en: "Check what changed in the books", hi: "बहीखाते के बदलावों की जाँच" },
	check_all_invariants: { en: "Check all of the books", hi: "पूरे बहीखाते की जाँच" },
	watch_balances: { en: "Watch merchants' dues", hi: "व्यापारियों के बकाया पर नज़र" },
	forget_studio_events: { en: "Clear away events that flows have had", hi: "पुरानी फ़्लो घटनाएँ हटाना" },
	issue_invoices: { en: "Issue invoices", hi: "चालान जारी करना" },
};

/** With the egress group whose gateways it is for. */
export function nameOfQueue(queue: string): Words {
	const [task = queue, group] = queue.split(":");
	const words = NAMES[task] ?? { en: plain(task), hi: plain(task) };
	return group === undefined ? words : { en: `${words.en} (${group})`, hi: `${words.hi} (${group})` };
}

const plain = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

/** When a schedule runs; times are India's. */
export function periodOf(period: string): Words {
	const seconds = /^(\d+) s$/.exec(period)?.[1];
	if (seconds !== undefined) return { en: `every ${seconds} s`, hi: `हर ${seconds} सेकंड` };
	const [minute = "", hour = "", ...rest] = period.split(" ");
	const isDaily = rest.every((part) => part === "*");
	if (isDaily && hour === "*" && minute === "*") return { en: "every minute", hi: "हर मिनट" };
	const every = /^\*\/(\d+)$/.exec(minute)?.[1];
	if (isDaily && hour === "*" && every !== undefined) return { en: `every ${every} minutes`, hi: `हर ${every} मिनट` };
	if (isDaily && hour === "*" && /^\d+$/.test(minute)) return { en: "every hour", hi: "हर घंटे" };
	if (isDaily && /^\d+$/.test(hour) && /^\d+$/.test(minute)) {
		const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
		return { en: `daily at ${time}`, hi: `हर दिन ${time} बजे` };
	}
	return { en: period, hi: period };
}
