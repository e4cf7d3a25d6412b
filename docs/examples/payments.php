<?php
// php payments.php initiate <order_id> <paise>
// php payments.php status <transaction_id>
// php payments.php refund <transaction_id> <paise> <key of yours>
declare(strict_types=1);

/** `$path` includes the query. Tries again, as Retry-After says: the same order_id is charged once, a key refunded once. */
function call(string $method, string $path, ?array $data = null): array
{
    $body = $data === null ? '' : json_encode($data, JSON_THROW_ON_ERROR);
    for ($tries = 1; ; $tries++) {
        $timestamp = time();
        $headers = [
            'X-Client-Key: ' . getenv('CLIENT_KEY'),
            "X-Timestamp: $timestamp",
            'X-Signature: ' . hash_hmac('sha256', "$timestamp.$method.$path.$body", getenv('CLIENT_SALT')),
        ];
        if ($body !== '') {
            $headers[] = 'Content-Type: application/json';
        }
        $response = fopen(getenv('CHECKOUT_URL') . $path, 'r', false, stream_context_create(['http' => [
            'method' => $method, 'header' => $headers, 'content' => $body, 'timeout' => 15, 'ignore_errors' => true,
        ]]));
        if ($response === false) {
            throw new RuntimeException('No connection to ' . getenv('CHECKOUT_URL'));
        }
        $lines = stream_get_meta_data($response)['wrapper_data'];
        $status = (int) explode(' ', $lines[0])[1];
        if (in_array($status, [429, 500, 503], true) && $tries < 4) {
            $wait = preg_grep('/^Retry-After: *\d+$/i', $lines);
            sleep($wait ? (int) explode(':', end($wait))[1] : $tries);
            continue;
        }
        $answer = json_decode(stream_get_contents($response), true, 64, JSON_THROW_ON_ERROR);
        if ($status === 200) {
            return $answer;
        }
        $error = $answer['error'];
        throw new RuntimeException("$status {$error['code']} ({$error['request_id']}): {$error['message']}");
    }
}

[, $command, $id] = $argv;
$answer = match ($command) {
    'initiate' => call('POST', '/payment/initiate', ['order_id' => $id, 'amount' => (int) $argv[3], 'currency' => 'INR']),
    'status' => call('GET', "/transaction/$id"),
    'refund' => call('POST', '/refund', ['transaction_id' => $id, 'amount' => (int) $argv[3], 'idempotency_key' => $argv[4]]),
};
echo json_encode($answer, JSON_UNESCAPED_SLASHES), "\n";
