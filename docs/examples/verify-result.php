<?php
// php verify-result.php <the address that the payer's browser came back to>
declare(strict_types=1);

/** What the payer's browser brought back, or null when it was forged or altered. In a web page: pass $_GET. */
function verifyResult(array $query, string $clientSalt): ?array
{
    $names = ['timestamp', 'transaction_id', 'order_id', 'status', 'amount'];
    $message = implode('.', array_map(fn (string $name) => $query[$name] ?? '', $names));
    $expected = hash_hmac('sha256', $message, $clientSalt);
    // There are two while the salt is being changed.
    $isGenuine = hash_equals($expected, $query['signature'] ?? '') || hash_equals($expected, $query['next_signature'] ?? '');
    return $isGenuine ? $query : null;
}

parse_str(parse_url($argv[1], PHP_URL_QUERY) ?? '', $query);
$result = verifyResult($query, getenv('CLIENT_SALT'));
echo $result === null ? "not genuine\n" : "{$result['order_id']} is {$result['status']}\n";
