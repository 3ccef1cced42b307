<?php
// Verifies the assertion that Menwei sends with each request. PHP 8 with the openssl extension; for EdDSA also sodium, which PHP brings.
//
//     $claims = (new MenweiAssertions('https://auth.corp.example', 'https://wiki.corp.example'))
//         ->verify($_SERVER['HTTP_X_MENWEI_ASSERTION'] ?? '');
//     $user = $claims['sub'];
declare(strict_types=1);

final class MenweiAssertions
{
    private const LEEWAY = 30;

    /** @param string $audience the site's origin, with its `path` behind it where that is not `/` */
    public function __construct(private string $authOrigin, private string $audience, private ?string $cache = null)
    {
        $this->cache ??= sys_get_temp_dir() . '/menwei-jwks-' . (function_exists('posix_geteuid') ? posix_geteuid() . '-' : '') . hash('sha256', $authOrigin) . '.json';
    }

    /** The claims; throws where anything does not hold. */
    public function verify(string $token): array
    {
        $parts = explode('.', $token);
        if (count($parts) !== 3) throw new RuntimeException('not a JWT');
        $head = json_decode(self::decode($parts[0]), true);
        if (!is_array($head) || !is_string($head['kid'] ?? null) || array_key_exists('crit', $head)) throw new RuntimeException('no head, or one with an extension that is not known');
        $jwk = $this->key($head['kid']);
        // What a key is for follows from its kind, never from what a token says.
        if (($head['alg'] ?? null) !== self::algorithm($jwk)) throw new RuntimeException('signed with another algorithm');
        if (!self::fits($jwk, "$parts[0].$parts[1]", self::decode($parts[2]))) throw new RuntimeException('the signature does not fit');
        $claims = json_decode(self::decode($parts[1]), true, 16, JSON_THROW_ON_ERROR);
        if (self::repeats(self::decode($parts[1]))) throw new RuntimeException('with a claim that stands twice');
        if (($claims['iss'] ?? null) !== $this->authOrigin) throw new RuntimeException('from another issuer');
        if (($claims['aud'] ?? null) !== $this->audience) throw new RuntimeException('for another site');
        if (!is_int($claims['exp'] ?? null) || !is_int($claims['nbf'] ?? null)) throw new RuntimeException('times that are none');
        if (time() > $claims['exp'] + self::LEEWAY) throw new RuntimeException('expired');
        if (time() < $claims['nbf'] - self::LEEWAY) throw new RuntimeException('not valid yet');
        if (!is_string($claims['sub'] ?? null) || $claims['sub'] === '') throw new RuntimeException('names nobody');
        return $claims;
    }

    /** Claims are flat: a text before a colon is a name. Names are written without escapes. */
    private static function repeats(string $json): bool
    {
        if (preg_match_all('/"((?:[^"\\\\]|\\\\.)*+)"\s*(:?)/s', $json, $texts, PREG_SET_ORDER) === false) return true;
        $names = array_column(array_filter($texts, fn ($text) => $text[2] !== ''), 1);
        return count(array_unique($names, SORT_STRING)) !== count($names) || str_contains(implode($names), '\\');
    }

    /** From the set that was fetched less than five minutes ago; an unknown key is looked for again, once in ten seconds at the most. */
    private function key(string $kid): array
    {
        clearstatcache(true, $this->cache);
        $age = is_file($this->cache) ? time() - filemtime($this->cache) : PHP_INT_MAX;
        $keys = $age <= 300 ? self::keys((string) file_get_contents($this->cache)) : [];
        if (!isset($keys[$kid]) && $age > 10) {
            $text = file_get_contents($this->authOrigin . '/.menwei/jwks.json', false, stream_context_create(['http' => ['timeout' => 5]]));
            if ($text === false) throw new RuntimeException('no keys');
            $new = tempnam(dirname($this->cache), 'jwks');   // mode 0600, and never half written
            file_put_contents($new, $text);
            rename($new, $this->cache);
            $keys = self::keys($text);
        }
        return $keys[$kid] ?? throw new RuntimeException('signed with an unknown key');
    }

    /** JWKs by kid. */
    private static function keys(string $set): array
    {
        $keys = [];
        foreach (json_decode($set, true)['keys'] ?? [] as $jwk) {
            if (self::algorithm($jwk) !== null) $keys[$jwk['kid']] = $jwk;
        }
        return $keys;
    }

    private static function algorithm(array $jwk): ?string
    {
        return match ([$jwk['kty'] ?? null, $jwk['crv'] ?? null]) {
            ['EC', 'P-256'] => 'ES256', ['OKP', 'Ed25519'] => 'EdDSA', ['RSA', null] => 'RS256', default => null,
        };
    }

    private static function fits(array $jwk, string $message, string $signature): bool
    {
        switch (self::algorithm($jwk)) {
            case 'EdDSA':
                $point = self::decode($jwk['x']);
                return strlen($signature) === 64 && strlen($point) === 32 && sodium_crypto_sign_verify_detached($signature, $message, $point);
            case 'ES256':
                if (strlen($signature) !== 64) return false;
                // JWS has the two numbers one after the other; OpenSSL wants them in DER.
                $signature = self::der("\x30", self::integer(substr($signature, 0, 32)) . self::integer(substr($signature, 32)));
                // SubjectPublicKeyInfo of an uncompressed point on P-256.
                $info = hex2bin('3059301306072a8648ce3d020106082a8648ce3d03010703420004') . self::decode($jwk['x']) . self::decode($jwk['y']);
                break;
            default:
                $key = self::der("\x30", self::integer(self::decode($jwk['n'])) . self::integer(self::decode($jwk['e'])));
                $info = self::der("\x30", hex2bin('300d06092a864886f70d0101010500') . self::der("\x03", "\0" . $key));
        }
        $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($info), 64, "\n") . "-----END PUBLIC KEY-----\n";
        return openssl_verify($message, $signature, $pem, OPENSSL_ALGO_SHA256) === 1;
    }

    private static function decode(string $text): string
    {
        $bytes = base64_decode(strtr($text, '-_', '+/'), true);
        return $bytes === false ? throw new RuntimeException('not base64url') : $bytes;
    }

    private static function integer(string $bytes): string
    {
        $bytes = ltrim($bytes, "\0");
        if ($bytes === '' || ord($bytes[0]) > 0x7F) $bytes = "\0" . $bytes;
        return self::der("\x02", $bytes);
    }

    private static function der(string $tag, string $content): string
    {
        $length = strlen($content);
        return $tag . ($length < 0x80 ? chr($length) : ($length < 0x100 ? "\x81" . chr($length) : "\x82" . pack('n', $length))) . $content;
    }
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {   // php menwei_assertion.php AUTH_ORIGIN AUDIENCE < TOKEN
    try {
        $claims = (new MenweiAssertions($argv[1], $argv[2]))->verify(trim(stream_get_contents(STDIN)));
    } catch (Throwable $fault) {
        fwrite(STDERR, 'refused: ' . $fault->getMessage() . "\n");
        exit(1);
    }
    echo $claims['sub'], ' ', $claims['name'] ?? '', "\n";
}
