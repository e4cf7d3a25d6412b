/**
 * What forms and lists say beside the names of fields, in Hindi: notes, choices, placeholders, messages of a check, bookmarks.
 *
 * Directus translates a text that begins with "$t:", and shows the key itself in a language that has no row for it. So the
 * key is the English text, which every other language shows.
 */
export const HINDI: Record<string, string> = {
	// States and kinds
	Accepted: "स्वीकृत",
	Acknowledged: "स्वीकार किया",
	Active: "सक्रिय",
	Added: "जोड़ा गया",
	Adjustment: "समायोजन",
	"Amount differs": "राशि अलग है",
	Approved: "स्वीकृत",
	"Asked for": "माँगा गया",
	"At the provider": "प्रदाता के पास",
	Authorized: "अधिकृत",
	"Back on trial": "परीक्षण पर वापस",
	"Bank transfer": "बैंक ट्रांसफ़र",
	"Being sent": "भेजा जा रहा है",
	Card: "कार्ड",
	Changed: "बदला गया",
	Collected: "वसूल हुआ",
	Commission: "कमीशन",
	"Cool-down ended by hand": "विराम हाथ से समाप्त",
	"Cooled down": "विराम में गया",
	"Cooling down": "विराम में",
	Created: "बनाया गया",
	Critical: "गंभीर",
	Delivered: "पहुँचा",
	"Direct UPI": "सीधा यूपीआई",
	Disabled: "बंद",
	"Dynamic: learns what succeeds, and keeps exploring": "गतिशील: जो सफल हो उसे सीखता है, और परखता रहता है",
	EMI: "ईएमआई",
	"Endpoint disabled": "एंडपॉइंट बंद",
	Exception: "अपवाद",
	Exceptions: "अपवाद",
	Expired: "समय-सीमा बीती",
	Failed: "असफल",
	"Given up": "छोड़ दिया",
	GST: "जीएसटी",
	"GST on commission": "कमीशन पर जीएसटी",
	Info: "जानकारी",
	"KYC to check": "केवाईसी जाँचना है",
	Late: "देर से",
	"Line has no UTR": "पंक्ति में यूटीआर नहीं",
	"Low balance": "कम शेष",
	"Many times: each use is a payment": "कई बार: हर उपयोग एक भुगतान",
	Matched: "मिलान हुआ",
	Netbanking: "नेटबैंकिंग",
	"No payment fits": "कोई भुगतान मेल नहीं खाता",
	"Not delivered": "नहीं पहुँचे",
	"Not known": "पता नहीं",
	"Not wanted": "नहीं चाहिए",
	"Not ours": "हमारा नहीं",
	"Not processed": "संसाधित नहीं",
	"Not sent": "नहीं भेजा गया",
	"To be answered": "उत्तर बाकी",
	Won: "जीता",
	Lost: "हारा",
	"Closed without money": "बिना पैसे के बंद",
	"Suspected fraud": "धोखाधड़ी का संदेह",
	Inquiry: "पूछताछ",
	Retrieval: "दस्तावेज़ माँग",
	Chargeback: "चार्जबैक",
	"Pre-arbitration": "पूर्व-मध्यस्थता",
	Arbitration: "मध्यस्थता",
	"Dispute opened": "विवाद खुला",
	"Dispute won": "विवाद जीता",
	"Dispute closed": "विवाद बंद",
	"Dispute lost": "विवाद हारा",
	"GST of a lost dispute": "हारे विवाद का जीएसटी",
	"On the way": "रास्ते में",
	"Once: for one payment": "एक बार: एक भुगतान के लिए",
	Open: "खुली",
	Paid: "भुगतान हुआ",
	"Paid late": "देर से भुगतान",
	"Paid twice": "दो बार भुगतान",
	"Partly refunded": "आंशिक रिफ़ंड",
	"Payment or refund": "भुगतान या रिफ़ंड",
	Pending: "लंबित",
	Read: "पढ़ा गया",
	Recovered: "ठीक हुआ",
	Refunded: "रिफ़ंड हुआ",
	Rejected: "अस्वीकृत",
	Removed: "हटाया गया",
	Resolved: "सुलझी",
	Reversal: "वापसी",
	"Reversal of GST": "जीएसटी की वापसी",
	"Round robin: least recently used": "बारी-बारी: सबसे पहले उपयोग हुआ",
	Secrets: "गोपनीय कुंजियाँ",
	Sent: "भेजा गया",
	"Sent again": "फिर भेजा गया",
	Set: "रखा है",
	"Settled by hand": "हाथ से निपटाया",
	"Several payments fit": "कई भुगतान मेल खाते हैं",
	"Smart: priority, then success rate": "स्मार्ट: प्राथमिकता, फिर सफलता दर",
	Starter: "स्टार्टर",
	Growth: "ग्रोथ",
	Scale: "स्केल",
	Enterprise: "एंटरप्राइज़",
	"Empty: the two limits below are this merchant's own.": "खाली: नीचे की दो सीमाएँ इसी व्यापारी की हैं।",
	Submitted: "जमा किया",
	Succeeded: "सफल",
	Suspended: "निलंबित",
	"Suspended or disabled": "निलंबित या बंद",
	"Switched off": "बंद किया",
	"Switched on": "चालू किया",
	"To be checked": "जाँचना है",
	"To be sent": "भेजना है",
	UPI: "यूपीआई",
	"UTR was used before": "यूटीआर पहले उपयोग हो चुका",
	Unknown: "अज्ञात",
	Verified: "सत्यापित",
	Waiting: "प्रतीक्षा में",
	"Waits for the endpoint": "एंडपॉइंट की प्रतीक्षा",
	"Waiting for payer": "भुगतानकर्ता की प्रतीक्षा",
	Wallet: "वॉलेट",
	Warning: "चेतावनी",
	"Weighted: drawn by weight": "भारित: भार के अनुसार",
	"With errors": "त्रुटि वाले",
	// Notes
	"A disabled link takes no new payment.": "बंद लिंक से नया भुगतान नहीं होता।",
	"A gateway stays with its client.": "गेटवे अपने व्यापारी के साथ ही रहता है।",
	"Addresses that the provider's webhooks come from; empty means anywhere.":
		"वे पते जहाँ से प्रदाता के वेबहुक आते हैं; खाली मतलब कहीं से भी।",
	"After regenerating, events carry a signature for the old secret too, for 24 hours or more.":
		"नई कुंजी बनाने के बाद 24 घंटे या अधिक तक घटनाओं पर पुरानी कुंजी के हस्ताक्षर भी रहते हैं।",
	"Cannot be changed afterwards.": "बाद में नहीं बदला जा सकता।",
	"Checkout settings shows the page with it. Its shades are made readable whatever it is.":
		"चेकआउट सेटिंग में पृष्ठ इसी रंग में दिखता है। रंग कोई भी हो, शब्द पढ़ने योग्य रखे जाते हैं।",
	"Empty: not approved there, and not sent through it.": "खाली: वहाँ स्वीकृत नहीं, और उससे नहीं भेजा जाता।",
	"Empty: takes its full share. 0: one request at a time; 1 to 3: a growing share.":
		"खाली: पूरा हिस्सा। 0: एक बार में एक अनुरोध; 1 से 3: बढ़ता हिस्सा।",
	"Exactly as it was approved; {{1}}, {{2}} … are the variables in their order.":
		"ठीक वैसा जैसा स्वीकृत हुआ; क्रमांक वाले स्थान अपने क्रम में चर हैं।",
	"For weighted rotation.": "भारित चयन के लिए।",
	"Higher goes first.": "बड़ी संख्या पहले।",
	"How long a failing gateway rests.": "असफल होता गेटवे कितनी देर विराम करे।",
	"Leave empty for never.": "कभी नहीं के लिए खाली छोड़ें।",
	"Leave empty for no limit.": "बिना सीमा के लिए खाली छोड़ें।",
	"Made by the studio; changed only by regenerating.": "स्टूडियो बनाता है; केवल नई बनाने से बदलती है।",
	"None chosen means every method.": "कुछ न चुनने पर हर तरीका।",
	"Nothing chosen means once.": "कुछ न चुनने पर एक बार।",
	"Only workers of this group call the provider for this account. Leave empty for any worker.":
		"इस खाते के लिए केवल इस समूह के वर्कर प्रदाता से बात करते हैं। किसी भी वर्कर के लिए खाली छोड़ें।",
	"The provider settles commission and GST of each payment to us by itself.":
		"प्रदाता हर भुगतान का कमीशन और जीएसटी स्वयं हमें देता है।",
	"Letters, digits and _ only.": "केवल अक्षर, अंक और _।",
	"Razorpay: linked account (acc_…), and webhooks transfer.processed and transfer.failed. Cashfree: vendor id. PayU: our merchant key; refunds of split payments are made on PayU's dashboard.":
		"Razorpay: लिंक किया खाता (acc_…), और वेबहुक transfer.processed व transfer.failed। Cashfree: वेंडर आईडी। PayU: हमारी मर्चेंट कुंजी; बँटे भुगतानों के रिफ़ंड PayU के डैशबोर्ड पर होते हैं।",
	"Split off by the provider": "प्रदाता ने अलग किया",
	"Split that did not come": "बँटवारा जो नहीं पहुँचा",
	"Payers see it.": "भुगतानकर्ता इसे देखते हैं।",
	"Some paise less than the payment, so that the credit can be told apart.":
		"भुगतान से कुछ पैसे कम, ताकि जमा राशि पहचानी जा सके।",
	"Suspended and disabled clients cannot take payments.": "निलंबित और बंद व्यापारी भुगतान नहीं ले सकते।",
	"Takes effect on the very next payment.": "ठीक अगले भुगतान से लागू।",
	"The image's fingerprint; uploaded in Checkout settings.": "चित्र की पहचान; चेकआउट सेटिंग में अपलोड होता है।",
	"The merchant's own number for it; used once.": "व्यापारी का अपना क्रमांक; एक ही बार उपयोग होता है।",
	"Weaker than signed requests: the salt travels with each request.":
		"हस्ताक्षरित अनुरोधों से कमज़ोर: सॉल्ट हर अनुरोध के साथ जाता है।",
	"Where payers may be sent back to.": "भुगतानकर्ता को वापस कहाँ भेजा जा सकता है।",
	"Where the payer goes afterwards: one of the client's redirect URLs, with any query.":
		"भुगतानकर्ता बाद में कहाँ जाए: व्यापारी के रीडायरेक्ट पतों में से एक, किसी भी क्वेरी के साथ।",
	"Where this client receives payment events: its first endpoint. More of them, filters and their state are under Integration.":
		"जहाँ इस व्यापारी को भुगतान सूचनाएँ मिलती हैं: पहला एंडपॉइंट। और एंडपॉइंट, चुनाव और उनकी स्थिति एकीकरण में हैं।",
	"With its salt it is valid beside the new pair until the overlap ends.":
		"अपने सॉल्ट के साथ यह नई जोड़ी के साथ-साथ तब तक मान्य है जब तक दोनों की अवधि चले।",
	"Write-only. Stored encrypted and never shown again; leave empty to keep it.":
		"केवल लिखा जा सकता है। कूटबद्ध रखा जाता है और फिर नहीं दिखता; वही रखने के लिए खाली छोड़ें।",
	"Write-only. Verifies the provider's webhooks; leave empty to keep it.":
		"केवल लिखा जा सकता है। प्रदाता के वेबहुक जाँचता है; वही रखने के लिए खाली छोड़ें।",
	// What a field asks for
	"As payers know it": "जैसा भुगतानकर्ता जानते हैं",
	"Enter to set or replace": "रखने या बदलने के लिए भरें",
	// What a check says
	"A GSTIN has 15 characters, like 27AAPFU0939F1ZV.": "जीएसटीआईएन में 15 अक्षर होते हैं, जैसे 27AAPFU0939F1ZV।",
	"At least 1, or empty for no limit.": "कम से कम 1, या बिना सीमा के लिए खाली।",
	"At least 1.": "कम से कम 1।",
	"At most 100 characters.": "अधिकतम 100 अक्षर।",
	"At most 250 characters on one line.": "एक पंक्ति में अधिकतम 250 अक्षर।",
	"Enter a name of at most 100 characters.": "अधिकतम 100 अक्षरों का नाम लिखें।",
	"Enter a name of at most 200 characters.": "अधिकतम 200 अक्षरों का नाम लिखें।",
	"Enter a percentage from 0 to 100.": "0 से 100 तक प्रतिशत लिखें।",
	"Enter a text of at most 1,024 characters.": "अधिकतम 1,024 अक्षरों का पाठ लिखें।",
	"Enter an address that starts with https://.": "https:// से शुरू होने वाला पता लिखें।",
	"Enter an address that starts with https://. Events are not sent over plain http.":
		"https:// से शुरू होने वाला पता लिखें। सादे http पर घटनाएँ नहीं भेजी जातीं।",
	"Enter an amount above zero, or leave it empty.": "शून्य से अधिक राशि लिखें, या खाली छोड़ें।",
	"Enter an e-mail address.": "ई-मेल पता लिखें।",
	"From 1 to 1000.": "1 से 1000 तक।",
	"From 1 to 86400 seconds.": "1 से 86400 सेकंड तक।",
	"From 60 to 86400 seconds.": "60 से 86400 सेकंड तक।",
	"Six hexadecimal digits after #, in small letters, like #1f2b60.": "# के बाद छोटे अक्षरों में छह हेक्साडेसिमल अंक, जैसे #1f2b60।",
	"Small letters, digits and underscores.": "छोटे अक्षर, अंक और अंडरस्कोर।",
	"Small letters, digits, - and _, beginning with a letter; not the word default.":
		"छोटे अक्षर, अंक, - और _, अक्षर से शुरू; शब्द default नहीं।",
	"Two digits, such as 27.": "दो अंक, जैसे 27।",
};

/** The same in every language: names of companies, and examples of what is typed. */
export const UNTRANSLATED: readonly string[] = [
	"Razorpay",
	"Cashfree",
	"PayU",
	"PhonePe",
	"Stripe",
	"27AAPFU0939F1ZV",
	"https://",
	"https://… then Enter",
	"203.0.113.0/24 then Enter",
	"INR",
	"#1f2b60",
	"mumbai-1",
];

export function translated(text: string): string {
	return text in HINDI ? `$t:${text}` : text;
}

const SHOWN = ["text", "placeholder", "label"];

/** Options of an interface or a display, with what they show a person translated. */
export function translatedOptions<T>(options: T): T {
	if (Array.isArray(options)) return options.map(translatedOptions) as T;
	if (options === null || typeof options !== "object") return options;
	return Object.fromEntries(
		Object.entries(options).map(([key, value]) => [
			key,
			SHOWN.includes(key) && typeof value === "string" ? translated(value) : translatedOptions(value),
		]),
	) as T;
}
