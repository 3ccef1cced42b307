// Verifies the assertion that Menwei sends with each request, inside of nginx (njs 0.7.9 or newer; Debian: libnginx-mod-http-js).
// For ES256 and RS256: njs has no Ed25519. Used by nginx.conf beside this file: `check` answers nginx's auth_request with 204 and the account in X-Verified-User, or with 401.
const LEEWAY = 30;

async function check(r) {
    try {
        const claims = await verify(r, r.headersIn['X-Menwei-Assertion'] || '');
        r.headersOut['X-Verified-User'] = claims.sub;
        r.return(204);
    } catch (fault) {
        r.error('assertion refused: ' + fault.message);
        r.return(401);
    }
}

async function verify(r, token) {
    const parts = token.split('.');
    if (parts.length !== 3) throw new Error('not a JWT');
    const head = JSON.parse(Buffer.from(parts[0], 'base64url'));
    if (head.crit !== undefined) throw new Error('with an extension that is not known');
    const signature = Buffer.from(parts[2], 'base64url');
    const jwk = await publicKey(r, head.kid);
    // What a key is for follows from its kind, never from what a token says.
    const algorithm = jwk.kty === 'RSA' ? 'RS256' : 'ES256';
    if (head.alg !== algorithm) throw new Error('not signed with ' + algorithm);
    const how = jwk.kty === 'RSA' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' };
    const key = await crypto.subtle.importKey('spki', keyInfo(jwk), how, false, ['verify']);
    const fits = (jwk.kty === 'RSA' || signature.length === 64) && await crypto.subtle.verify(how, key, signature, Buffer.from(parts[0] + '.' + parts[1]));
    if (!fits) throw new Error('the signature does not fit');
    const text = Buffer.from(parts[1], 'base64url').toString();
    const claims = JSON.parse(text);
    if (repeats(text)) throw new Error('with a claim that stands twice');
    const now = Date.now() / 1000;
    if (claims.iss !== r.variables.assertion_issuer) throw new Error('from another issuer');
    if (claims.aud !== r.variables.assertion_audience) throw new Error('for another site');
    if (!Number.isSafeInteger(claims.exp) || !Number.isSafeInteger(claims.nbf)) throw new Error('times that are none');
    if (!(now <= claims.exp + LEEWAY)) throw new Error('expired');
    if (!(now >= claims.nbf - LEEWAY)) throw new Error('not valid yet');
    if (!claims.sub) throw new Error('names nobody');
    return claims;
}

// Claims are flat: a text before a colon is a name. Names are written without escapes.
function repeats(json) {
    const texts = /"((?:[^"\\]|\\.)*)"\s*(:?)/g, names = {};
    for (let found = texts.exec(json); found !== null; found = texts.exec(json)) {
        if (found[2] === '') continue;
        if (found[1].indexOf('\\') >= 0 || names['claim ' + found[1]]) return true;
        names['claim ' + found[1]] = true;
    }
    return false;
}

// The key set comes through nginx's own cache.
async function publicKey(r, kid) {
    const answer = await r.subrequest('/_assertion_keys');
    if (answer.status !== 200) throw new Error('no keys: ' + answer.status);
    const jwk = JSON.parse(answer.responseText).keys.find(k => k.kid === kid && (k.crv === 'P-256' || k.kty === 'RSA'));
    if (!jwk) throw new Error('signed with an unknown key');
    return jwk;
}

// SubjectPublicKeyInfo of an uncompressed point on P-256, or of an RSA key.
function keyInfo(jwk) {
    if (jwk.kty !== 'RSA') {
        return Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
            Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
    }
    const numbers = Buffer.concat([jwk.n, jwk.e].map(text => {
        const bytes = Buffer.from(text, 'base64url');
        return der(0x02, bytes[0] < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
    }));
    const bits = der(0x03, Buffer.concat([Buffer.from([0]), der(0x30, numbers)]));
    return der(0x30, Buffer.concat([Buffer.from('300d06092a864886f70d0101010500', 'hex'), bits]));
}

function der(tag, content) {
    const length = content.length;
    const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
    return Buffer.concat([Buffer.from(head), content]);
}

export default { check };
