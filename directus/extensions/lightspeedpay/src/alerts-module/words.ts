/** What the pages call alerts, and what to do about each kind. */
import type { AreaId } from "../areas.ts";
import type { Alert, Severity, Status } from "./alert.ts";

interface Words {
	en: string;
	hi: string;
}

type Tone = "good" | "busy" | "warning" | "bad" | "idle";

export const SEVERITIES: Record<Severity, Words & { tone: Tone }> = {
	critical: { en: "Critical", hi: "गंभीर", tone: "bad" },
	warning: { en: "Warning", hi: "चेतावनी", tone: "warning" },
	info: { en: "Info", hi: "सूचना", tone: "idle" },
};

export const STATES: Record<Status | "silenced", Words & { tone: Tone }> = {
	open: { en: "Open", hi: "खुली", tone: "bad" },
	acknowledged: { en: "Acknowledged", hi: "स्वीकारी गई", tone: "busy" },
	silenced: { en: "Silenced", hi: "शांत", tone: "idle" },
	resolved: { en: "Resolved", hi: "सुलझी", tone: "good" },
};

/** What people did. */
export const STEPS: Record<string, Words> = {
	acknowledge_alert: { en: "Acknowledged", hi: "स्वीकारी" },
	request_test_alert: { en: "Asked for as a test", hi: "जाँच के लिए माँगी" },
	resolve_alert: { en: "Resolved", hi: "सुलझाई" },
	silence_alert: { en: "Silenced", hi: "शांत की" },
	end_silence: { en: "Silence ended", hi: "शांति समाप्त की" },
};

export const KINDS: Record<string, { label: Words; next: Words }> = {
	alert_channel_failed: {
		label: { en: "A channel does not take alerts", hi: "चेतावनी का चैनल विफल" },
		next: {
			en: "Put the channel's address or password right in the workers' environment, then send a test alert. What was not sent is on this page.",
			hi: "वर्करों के परिवेश में चैनल का पता या पासवर्ड ठीक करें, फिर जाँच चेतावनी भेजें। जो नहीं भेजा गया वह इस पृष्ठ पर है।",
		},
	},
	address_blocked: {
		label: { en: "Address blocked", hi: "पता अवरुद्ध" },
		next: {
			en: "Look at who it is. Where a merchant's server signs with an old salt, have it put right and lift the block under Blocked addresses.",
			hi: "देखें कि वह कौन है। यदि व्यापारी का सर्वर पुराने सॉल्ट से हस्ताक्षर करता है, उसे ठीक कराएँ और अवरुद्ध पतों में रोक हटाएँ।",
		},
	},
	amount_mismatch: {
		label: { en: "Amount differs", hi: "राशि अलग है" },
		next: {
			en: "Compare the payment with the PSP's dashboard. If the money is right there, settle it by hand; if not, talk to the PSP before anything is delivered.",
			hi: "PSP के डैशबोर्ड से भुगतान मिलाएँ। राशि सही हो तो हाथ से निपटाएँ; नहीं तो कुछ देने से पहले PSP से बात करें।",
		},
	},
	backup_failed: {
		label: { en: "Backup failed", hi: "बैकअप विफल" },
		next: {
			en: "Read the reason, put it right (often the disk is full), and run npm run backup, then npm run backup -- --test.",
			hi: "कारण पढ़ें, उसे ठीक करें (अक्सर डिस्क भरी होती है), फिर npm run backup और npm run backup -- --test चलाएँ।",
		},
	},
	cap_nearly_reached: {
		label: { en: "Cap nearly reached", hi: "सीमा के पास" },
		next: {
			en: "Ask the merchant whether more is to be expected, and raise the cap in time if it may be.",
			hi: "व्यापारी से पूछें कि क्या और भुगतान आएँगे; उचित हो तो समय रहते सीमा बढ़ाएँ।",
		},
	},
	dead_jobs: {
		label: { en: "Jobs failed for good", hi: "काम हमेशा के लिए विफल" },
		next: {
			en: "Open the queue, read the last error, put its cause right, redrive one job, then the others.",
			hi: "कतार खोलें, पिछली त्रुटि पढ़ें, कारण ठीक करें, एक काम फिर चलाएँ, फिर बाकी।",
		},
	},
	dues_outstanding: {
		label: { en: "Commission is due", hi: "कमीशन बकाया" },
		next: {
			en: "New payments of this merchant are refused until it settles. Agree on a payment, and record it when it has come.",
			hi: "निपटान तक इस व्यापारी के नए भुगतान नहीं लिए जाते। भुगतान तय करें, और आने पर दर्ज करें।",
		},
	},
	dues_warning: {
		label: { en: "Commission piles up", hi: "कमीशन बढ़ रहा है" },
		next: {
			en: "Remind the merchant: at its threshold, new payments are refused.",
			hi: "व्यापारी को याद दिलाएँ: सीमा पर नए भुगतान रुक जाते हैं।",
		},
	},
	disk_full: {
		label: { en: "The database's disk is full", hi: "डेटाबेस की डिस्क भर गई" },
		next: {
			en: "Make room on the disk; the processes go on by themselves. The runbook says what may be removed.",
			hi: "डिस्क पर जगह बनाएँ; प्रक्रियाएँ अपने आप चल पड़ेंगी। क्या हटाया जा सकता है, यह रनबुक में है।",
		},
	},
	dispute_mismatch: {
		label: { en: "Dispute that cannot be right", hi: "विवाद जो सही नहीं हो सकता" },
		next: {
			en: "It was not booked. Compare amount, currency and payment with the provider's dashboard, and answer it there in time.",
			hi: "यह दर्ज नहीं हुआ। राशि, मुद्रा और भुगतान प्रदाता के डैशबोर्ड से मिलाएँ, और समय पर वहीं उत्तर दें।",
		},
	},
	dispute_opened: {
		label: { en: "A payer disputes a payment", hi: "भुगतान पर विवाद" },
		next: {
			en: "Have the merchant answer with evidence in the provider's dashboard by the time named; without an answer it is lost.",
			hi: "बताए गए समय तक व्यापारी प्रदाता के डैशबोर्ड में सबूत के साथ उत्तर दे; उत्तर न देने पर विवाद हारा जाता है।",
		},
	},
	dispute_outcome_changed: {
		label: { en: "Lost dispute ended otherwise", hi: "हारा हुआ विवाद बदला" },
		next: {
			en: "Commission was given back for it. Compare with the provider's dashboard, and adjust the wallet by hand.",
			hi: "इसका कमीशन लौटाया जा चुका है। प्रदाता के डैशबोर्ड से मिलाएँ और वॉलेट हाथ से समायोजित करें।",
		},
	},
	dispute_unmatched: {
		label: { en: "Dispute of an unpaid payment", hi: "अवैतनिक भुगतान पर विवाद" },
		next: {
			en: "Compare with the provider's dashboard whether the payment was made, and answer the dispute there in time.",
			hi: "प्रदाता के डैशबोर्ड से मिलाएँ कि भुगतान हुआ या नहीं, और विवाद का उत्तर समय पर वहीं दें।",
		},
	},
	disputed_and_refunded: {
		label: { en: "Money went back twice", hi: "पैसा दो बार लौटा" },
		next: {
			en: "Send the provider the proof of the refund: it may win the dispute.",
			hi: "प्रदाता को रिफ़ंड का सबूत भेजें: इससे विवाद जीता जा सकता है।",
		},
	},
	egress_group_waits: {
		label: { en: "No worker for a group", hi: "किसी समूह का वर्कर नहीं" },
		next: {
			en: "Start a worker for this egress group, or move its gateways to another one.",
			hi: "इस निकास समूह का वर्कर चलाएँ, या इसके गेटवे दूसरे समूह में करें।",
		},
	},
	flow_interrupted: {
		label: { en: "Flow was cut off", hi: "फ़्लो बीच में रुका" },
		next: {
			en: "See in the flow's log how far it came, and do the rest by hand: it is not run again.",
			hi: "फ़्लो के लॉग में देखें कि वह कहाँ तक पहुँचा, बाकी हाथ से करें: वह फिर नहीं चलेगा।",
		},
	},
	gateway_cooled_down: {
		label: { en: "Gateway cools down", hi: "गेटवे विराम पर" },
		next: {
			en: "It comes back by itself, and others take the payments meanwhile. If it goes on, look at the gateway's log and at the PSP's status page.",
			hi: "यह अपने-आप लौटेगा; तब तक दूसरे गेटवे भुगतान लेते हैं। बार-बार हो तो गेटवे का लॉग और PSP का स्थिति पृष्ठ देखें।",
		},
	},
	invariant_violated: {
		label: { en: "The books do not agree", hi: "बहीखाता मेल नहीं खाता" },
		next: {
			en: "Do not change any row. Note what the details say and call an engineer.",
			hi: "कोई पंक्ति न बदलें। विवरण नोट करें और इंजीनियर को बुलाएँ।",
		},
	},
	invoices_wait: {
		label: { en: "Invoices wait", hi: "चालान रुके हैं" },
		next: {
			en: "Complete what the details name in the company's profile or the merchant's address; the invoices follow by themselves.",
			hi: "विवरण में बताई जानकारी कंपनी की प्रोफ़ाइल या व्यापारी के पते में भरें; चालान अपने-आप बनेंगे।",
		},
	},
	job_failed: {
		label: { en: "Job failed for good", hi: "काम हमेशा के लिए विफल" },
		next: {
			en: "Open the queue, read the last error, put its cause right and redrive the job.",
			hi: "कतार खोलें, पिछली त्रुटि पढ़ें, कारण ठीक करें और काम फिर चलाएँ।",
		},
	},
	link_paid_twice: {
		label: { en: "Link paid twice", hi: "लिंक दो बार चुकाया" },
		next: {
			en: "Refund one of the two payments, unless the merchant says otherwise.",
			hi: "व्यापारी कुछ और न कहे तो दो में से एक भुगतान लौटाएँ।",
		},
	},
	no_gateway: {
		label: { en: "No gateway qualifies", hi: "कोई गेटवे योग्य नहीं" },
		next: {
			en: "See in the merchant's routing why each gateway was passed over: cooling down, limits, methods, or switched off.",
			hi: "व्यापारी की रूटिंग में देखें कि हर गेटवे क्यों छूटा: विराम, सीमा, तरीका या बंद।",
		},
	},
	queue_paused: {
		label: { en: "Queue is paused", hi: "कतार रुकी है" },
		next: {
			en: "Resume it when the reason is gone: its jobs wait.",
			hi: "कारण दूर होते ही फिर चलाएँ: इसके काम रुके हैं।",
		},
	},
	raised_by_flow: {
		label: { en: "Raised by a flow", hi: "फ़्लो ने उठाई" },
		next: {
			en: "The flow's description says what it looks for.",
			hi: "फ़्लो का विवरण बताता है कि वह क्या देखता है।",
		},
	},
	payment_unresolved: {
		label: { en: "Payment unresolved", hi: "भुगतान अनिर्णीत" },
		next: {
			en: "Look the orders up in the PSP's dashboard; where one was paid, have the PSP send its webhook again.",
			hi: "ऑर्डर PSP के डैशबोर्ड में देखें; जहाँ भुगतान हुआ हो वहाँ PSP से वेबहुक फिर भिजवाएँ।",
		},
	},
	refund_amount_mismatch: {
		label: { en: "Refund differs", hi: "रिफ़ंड की राशि अलग" },
		next: {
			en: "Compare the refund with the PSP's dashboard and settle the difference with the PSP.",
			hi: "रिफ़ंड को PSP के डैशबोर्ड से मिलाएँ और अंतर PSP से निपटाएँ।",
		},
	},
	refund_failed: {
		label: { en: "Refund failed", hi: "रिफ़ंड विफल" },
		next: {
			en: "Ask for it again once the reason is gone, or pay by bank transfer.",
			hi: "कारण दूर होने पर फिर करें, या बैंक से भुगतान करें।",
		},
	},
	refund_taken_back: {
		label: { en: "Refund was taken back", hi: "रिफ़ंड वापस हुआ" },
		next: {
			en: "Compare with the PSP's dashboard. If the payer has nothing, pay by bank transfer.",
			hi: "PSP के डैशबोर्ड से मिलाएँ। भुगतानकर्ता को न मिला हो तो बैंक से भुगतान करें।",
		},
	},
	refund_unresolved: {
		label: { en: "Refund not settled", hi: "रिफ़ंड अनिर्णीत" },
		next: {
			en: "Look the refund up in the PSP's dashboard and record what became of it.",
			hi: "PSP के डैशबोर्ड में रिफ़ंड देखें और उसका परिणाम दर्ज करें।",
		},
	},
	reconciliation_waits: {
		label: { en: "Settlement differences wait", hi: "निपटान के अंतर रुके हैं" },
		next: {
			en: "Take the oldest in Reconciliation, find out what happened with the PSP, and resolve them with a reason.",
			hi: "मिलान में सबसे पुराने अंतर लें, PSP से कारण जानें और कारण के साथ सुलझाएँ।",
		},
	},
	refund_waits: {
		label: { en: "Refund waits", hi: "रिफ़ंड रुका है" },
		next: {
			en: "The message says why: top up the balance at the PSP, correct the gateway's credentials, or look the refund up. It is tried again by itself.",
			hi: "संदेश कारण बताता है: PSP पर शेष बढ़ाएँ, गेटवे की पहचान ठीक करें, या रिफ़ंड देखें। यह अपने-आप फिर आज़माया जाएगा।",
		},
	},
	refunded_twice: {
		label: { en: "Refunded twice", hi: "दो बार लौटाया" },
		next: {
			en: "Talk to the PSP: more was given back than was paid.",
			hi: "PSP से बात करें: भुगतान से ज़्यादा लौटाया गया।",
		},
	},
	settlement_pull_fails: {
		label: { en: "Settlement report not given", hi: "निपटान रिपोर्ट नहीं मिली" },
		next: {
			en: "Correct the gateway's credentials or ask the PSP to allow reports for them; meanwhile import its file in Reconciliation.",
			hi: "गेटवे की पहचान ठीक करें या PSP से रिपोर्ट की अनुमति लें; तब तक मिलान में उसकी फ़ाइल आयात करें।",
		},
	},
	schedule_failed: {
		label: { en: "Schedule failed", hi: "नियत काम विफल" },
		next: {
			en: "Open the queue, read the error, put its cause right and run it again.",
			hi: "कतार खोलें, त्रुटि पढ़ें, कारण ठीक करें और फिर चलाएँ।",
		},
	},
	second_success: {
		label: { en: "Order paid twice", hi: "ऑर्डर दो बार चुकाया" },
		next: {
			en: "See that the second payment is given back: by itself, or else in the PSP's dashboard.",
			hi: "देखें कि दूसरा भुगतान लौटाया गया: अपने-आप, नहीं तो PSP के डैशबोर्ड में।",
		},
	},
	success_rate_dropped: {
		label: { en: "Fewer payments succeed", hi: "कम भुगतान सफल" },
		next: {
			en: "See in the gateway's log why payments fail, and whether other gateways of this provider do as badly. Lower its priority or switch it off if it goes on.",
			hi: "गेटवे के लॉग में देखें कि भुगतान क्यों विफल हैं, और क्या इस प्रदाता के दूसरे गेटवे भी ऐसे हैं। जारी रहे तो प्राथमिकता घटाएँ या बंद करें।",
		},
	},
	studio_changed_by_hand: {
		label: { en: "Configuration changed by hand", hi: "विन्यास हाथ से बदला" },
		next: {
			en: "What was changed was set back. Look at Changes by hand; what should stay belongs into the code.",
			hi: "बदलाव वापस कर दिया गया। ‘हाथ से किए बदलाव’ देखें; जो रहना चाहिए वह कोड में डालें।",
		},
	},
	studio_unreachable: {
		label: { en: "Flows do not run", hi: "फ़्लो नहीं चल रहे" },
		next: {
			en: "The workers cannot reach the studio. Check STUDIO_URL of the workers; waiting events come by themselves.",
			hi: "वर्कर स्टूडियो तक नहीं पहुँच रहे। वर्करों का STUDIO_URL जाँचें; रुकी घटनाएँ अपने-आप आएँगी।",
		},
	},
	collection_failed: {
		label: { en: "Commission not collected", hi: "कमीशन नहीं वसूला गया" },
		next: {
			en: "The provider refused: usually the collection account's credentials. Correct them under Commission and collect again.",
			hi: "प्रदाता ने मना किया: प्रायः वसूली खाते की पहचान गलत है। कमीशन पृष्ठ पर ठीक करें और फिर वसूलें।",
		},
	},
	payout_amount_mismatch: {
		label: { en: "Payout differs", hi: "भुगतान-निकासी की राशि अलग" },
		next: {
			en: "Compare with the provider's dashboard and the bank account; book the difference as an adjustment.",
			hi: "प्रदाता के डैशबोर्ड और बैंक खाते से मिलाएँ; अंतर समायोजन में दर्ज करें।",
		},
	},
	payout_taken_back: {
		label: { en: "Payout was taken back", hi: "भुगतान-निकासी वापस हुई" },
		next: {
			en: "What was collected is due again. Look up why at the provider and agree on another way to pay.",
			hi: "वसूली गई राशि फिर बकाया है। प्रदाता पर कारण देखें और दूसरा तरीका तय करें।",
		},
	},
	payout_unresolved: {
		label: { en: "Payout not settled", hi: "भुगतान-निकासी अनिर्णीत" },
		next: {
			en: "Look it up in the provider's dashboard and record what became of it: nothing more is collected until then.",
			hi: "प्रदाता के डैशबोर्ड में देखें और परिणाम दर्ज करें: तब तक और वसूली नहीं होगी।",
		},
	},
	split_failed: {
		label: { en: "Split did not come", hi: "बँटवारा नहीं पहुँचा" },
		next: {
			en: "The commission is due again and is collected as usual. Look up why at the provider; do not make the transfer again by hand.",
			hi: "कमीशन फिर बकाया है और सामान्य रूप से वसूला जाएगा। प्रदाता पर कारण देखें; अंतरण हाथ से दोबारा न करें।",
		},
	},
	split_refused: {
		label: { en: "Split was refused", hi: "बँटवारा अस्वीकृत" },
		next: {
			en: "The commission is due as usual. Correct the account that it goes to, or switch splitting off.",
			hi: "कमीशन सामान्य रूप से बकाया है। जिस खाते में जाता है उसे ठीक करें, या बँटवारा बंद करें।",
		},
	},
	test_alert: {
		label: { en: "Test", hi: "जाँच" },
		next: {
			en: "Nothing is wrong. See that every channel told it, then resolve it: they tell that as well.",
			hi: "कुछ गड़बड़ नहीं है। देखें कि हर चैनल पर पहुँची, फिर सुलझाएँ: वह भी बताया जाएगा।",
		},
	},
	utr_submitted: {
		label: { en: "UTR to approve", hi: "यूटीआर की पुष्टि" },
		next: {
			en: "Import the bank's statement of the day, or approve the UTR after looking it up at the bank.",
			hi: "उस दिन का बैंक विवरण आयात करें, या बैंक में देखकर यूटीआर स्वीकारें।",
		},
	},
	webhook_dead: {
		label: { en: "Webhook not delivered", hi: "वेबहुक नहीं पहुँचा" },
		next: {
			en: "Ask the merchant to repair the endpoint, then send the event again.",
			hi: "व्यापारी से एंडपॉइंट ठीक करवाएँ, फिर घटना दोबारा भेजें।",
		},
	},
	webhook_endpoint_disabled: {
		label: { en: "Webhook endpoint is disabled", hi: "वेबहुक एंडपॉइंट बंद हुआ" },
		next: {
			en: "Ask the merchant. Enable the endpoint when it is repaired: what was kept is sent then. Or enter its new address, and replay what was kept.",
			hi: "व्यापारी से पूछें। ठीक होने पर एंडपॉइंट चालू करें: रखी हुई सूचनाएँ तब भेजी जाती हैं। या नया पता भरें, और रखी हुई सूचनाएँ दोबारा भेजें।",
		},
	},
	webhook_unmatched: {
		label: { en: "Webhooks about foreign orders", hi: "अनजान ऑर्डर के वेबहुक" },
		next: {
			en: "Look one up in the provider's dashboard: the merchant may take payments in another way too. If it is one of ours, have it confirmed.",
			hi: "प्रदाता के डैशबोर्ड में एक ऑर्डर देखें: व्यापारी शायद किसी और तरीके से भी भुगतान लेता है। हमारा हो तो उसकी पुष्टि कराएँ।",
		},
	},
	whatsapp_misconfigured: {
		label: { en: "WhatsApp needs a setting", hi: "व्हाट्सऐप की सेटिंग चाहिए" },
		next: {
			en: "Put the account, token or template right at the provider; the page Notices says which.",
			hi: "प्रदाता पर खाता, टोकन या टेम्पलेट ठीक करें; सूचना पृष्ठ बताता है कौन-सा।",
		},
	},
	whatsapp_unavailable: {
		label: { en: "WhatsApp fails", hi: "व्हाट्सऐप विफल" },
		next: {
			en: "Messages wait and are tried again by themselves. Look at the provider's status page.",
			hi: "संदेश रुके हैं और अपने-आप फिर भेजे जाएँगे। प्रदाता का स्थिति पृष्ठ देखें।",
		},
	},
};

const plain = (kind: string): string => kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("_", " ");

export const labelOf = (kind: string): Words => KINDS[kind]?.label ?? { en: plain(kind), hi: plain(kind) };

/** The area of the studio where something can be done about it. */
export function placeOf({ kind, details, client_id }: Alert): { area: AreaId; to: string } | null {
	if (["dead_jobs", "queue_paused", "job_failed", "schedule_failed"].includes(kind)) {
		const queue = details.queue ?? details.task ?? details.schedule;
		return { area: "queues", to: typeof queue === "string" ? `/queues/${encodeURIComponent(queue)}` : "/queues" };
	}
	if (kind === "egress_group_waits") return { area: "queues", to: "/queues" };
	if (["reconciliation_waits", "settlement_pull_fails"].includes(kind)) {
		return { area: "reconciliation", to: "/reconciliation" };
	}
	if (client_id !== null) {
		if (kind.startsWith("dues_")) return { area: "commission", to: `/commission/${client_id}` };
		if (["gateway_cooled_down", "no_gateway", "success_rate_dropped"].includes(kind))
			return { area: "gateways", to: `/gateways/${client_id}` };
		if (kind.startsWith("webhook_")) return { area: "integration", to: `/integration/${client_id}` };
		if (kind === "cap_nearly_reached") return { area: "checkout", to: `/checkout/${client_id}` };
	}
	if (kind.startsWith("whatsapp_")) return { area: "notices", to: "/notices" };
	return null;
}
