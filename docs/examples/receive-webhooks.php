<?php
// php -S 127.0.0.1:4100 receive-webhooks.php
declare(strict_types=1);

/** The event, or null when these bytes were not signed by LightSpeedPay within the last five minutes. */
function verify(string $body): ?array
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > 300) {
        return null;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', getenv('WEBHOOK_SECRET')));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // Several signatures, separated by spaces, while a secret is being changed.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return json_decode($body, true, 64, JSON_THROW_ON_ERROR);
        }
    }
    return null;
}

/** True once for each event. In your shop: a unique column, written in the transaction that marks the order paid. */
function isNew(string $eventId): bool
{
    return @fopen(sys_get_temp_dir() . '/webhook-' . hash('sha256', $eventId), 'x') !== false;
}

$event = verify(file_get_contents('php://input'));
http_response_code($event === null ? 401 : 204);
if ($event !== null && isNew($event['id']) && $event['type'] === 'payment.paid') {
    error_log("ship {$event['data']['order_id']}: {$event['data']['amount']} paise");
}
