<?php
// php payments.php initiate <order_id> <paise>
// php payments.php status <transaction_id>
declare(strict_types=1);

/** `$path` includes the query. Tries again, as Retry-After says; the same order_id is never charged twice. */
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

$answer = $argv[1] === 'initiate'
    ? call('POST', '/payment/initiate', ['order_id' => $argv[2], 'amount' => (int) $argv[3], 'currency' => 'INR'])
    : call('GET', "/transaction/$argv[2]");
echo json_encode($answer, JSON_UNESCAPED_SLASHES), "\n";
