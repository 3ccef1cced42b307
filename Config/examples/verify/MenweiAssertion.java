import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.spec.*;
import java.time.Duration;
import java.time.Instant;
import java.util.*;
import java.util.regex.*;

/** Verifies the assertion that Menwei sends with each request. Java 15 or newer, nothing else. */
public final class MenweiAssertion {
    private static final Duration LEEWAY = Duration.ofSeconds(30);
    private final String issuer, audience;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private Map<String, PublicKey> keys = Map.of();
    private Instant fetched = Instant.MIN;

    /** @param audience the site's origin, with its `path` behind it where that is not `/`. */
    public MenweiAssertion(String authOrigin, String audience) {
        this.issuer = authOrigin;
        this.audience = audience;
    }

    /** The claims as JSON text, for the JSON library of your choice; {@link #text} reads single ones. */
    public String verify(String token) throws Exception {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3 || token.length() > 8192) throw new SecurityException("not a JWT");
        String head = decode(parts[0]);
        if (head.contains("\"crit\"")) throw new SecurityException("with an extension that is not known");
        PublicKey key = key(text(head, "kid"));
        // What a key is for follows from its kind, never from what a token says.
        String algorithm = switch (key.getAlgorithm()) { case "EC" -> "ES256"; case "RSA" -> "RS256"; default -> "EdDSA"; };
        if (!algorithm.equals(text(head, "alg"))) throw new SecurityException("not signed with " + algorithm);
        Signature signature = Signature.getInstance(switch (algorithm) {
            // P1363: the two numbers of the signature one after the other, as JWS has them.
            case "ES256" -> "SHA256withECDSAinP1363Format"; case "RS256" -> "SHA256withRSA"; default -> "Ed25519"; });
        signature.initVerify(key);
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        if (!signature.verify(Base64.getUrlDecoder().decode(parts[2]))) throw new SecurityException("the signature does not fit");
        String claims = decode(parts[1]);
        if (repeats(claims)) throw new SecurityException("with a claim that stands twice");
        if (!issuer.equals(text(claims, "iss"))) throw new SecurityException("from another issuer");
        if (!audience.equals(text(claims, "aud"))) throw new SecurityException("for another site");
        Instant now = Instant.now();
        if (now.minus(LEEWAY).isAfter(time(claims, "exp"))) throw new SecurityException("expired");
        if (now.plus(LEEWAY).isBefore(time(claims, "nbf"))) throw new SecurityException("not valid yet");
        if (text(claims, "sub") == null || text(claims, "sub").isEmpty()) throw new SecurityException("names nobody");
        return claims;
    }

    /** A text claim. Claims are flat, and a quotation mark inside of a text is escaped, so that `"name":` stands nowhere else. */
    public static String text(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"").matcher(json);
        if (!found.find()) return null;
        Matcher escape = Pattern.compile("\\\\(?:u([0-9a-fA-F]{4})|(.))").matcher(found.group(1));
        return escape.replaceAll(m -> Matcher.quoteReplacement(
            m.group(1) != null ? String.valueOf((char) Integer.parseInt(m.group(1), 16))
                : switch (m.group(2)) { case "n" -> "\n"; case "r" -> "\r"; case "t" -> "\t"; case "b" -> "\b"; case "f" -> "\f"; default -> m.group(2); }));
    }

    /** Claims are flat: a text before a colon is a name. Names are written without escapes. */
    private static boolean repeats(String json) {
        Set<String> names = new HashSet<>();
        for (Matcher m = Pattern.compile("\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"\\s*(:?)").matcher(json); m.find();) {
            if (!m.group(2).isEmpty() && (m.group(1).indexOf('\\') >= 0 || !names.add(m.group(1)))) return true;
        }
        return false;
    }

    private static Instant time(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*(\\d{1,15})\\s*[,}]").matcher(json);
        if (!found.find()) throw new SecurityException("no " + name);
        return Instant.ofEpochSecond(Long.parseLong(found.group(1)));
    }

    private static String decode(String part) { return new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8); }

    /** From the set that was fetched less than five minutes ago; an unknown key is looked for again, once in ten seconds at the most. */
    private synchronized PublicKey key(String kid) throws Exception {
        if (kid == null) throw new SecurityException("no kid");
        Instant now = Instant.now();
        boolean isOld = fetched.isBefore(now.minusSeconds(300));
        if (isOld || (!keys.containsKey(kid) && fetched.isBefore(now.minusSeconds(10)))) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(issuer + "/.menwei/jwks.json")).timeout(Duration.ofSeconds(5)).build();
            HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) throw new SecurityException("no keys: " + answer.statusCode());
            keys = parse(answer.body());
            fetched = now;
        }
        PublicKey key = keys.get(kid);
        if (key == null) throw new SecurityException("signed with an unknown key");
        return key;
    }

    private static Map<String, PublicKey> parse(String set) throws GeneralSecurityException {
        AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp256r1"));
        ECParameterSpec p256 = curve.getParameterSpec(ECParameterSpec.class);
        Map<String, PublicKey> keys = new HashMap<>();
        for (Matcher m = Pattern.compile("\\{[^{}]*\\}").matcher(set); m.find();) {
            String jwk = m.group();
            KeySpec spec;
            if ("P-256".equals(text(jwk, "crv"))) {
                spec = new ECPublicKeySpec(new ECPoint(number(text(jwk, "x")), number(text(jwk, "y"))), p256);
            } else if ("Ed25519".equals(text(jwk, "crv"))) {
                spec = new X509EncodedKeySpec(concat(ED25519, Base64.getUrlDecoder().decode(text(jwk, "x"))));
            } else if ("RSA".equals(text(jwk, "kty"))) {
                spec = new RSAPublicKeySpec(number(text(jwk, "n")), number(text(jwk, "e")));
            } else {
                continue;
            }
            String kind = spec instanceof ECPublicKeySpec ? "EC" : spec instanceof RSAPublicKeySpec ? "RSA" : "Ed25519";
            keys.put(text(jwk, "kid"), KeyFactory.getInstance(kind).generatePublic(spec));
        }
        return keys;
    }

    /** SubjectPublicKeyInfo of an Ed25519 key, before its 32 bytes. */
    private static final byte[] ED25519 = {0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00};

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    private static BigInteger number(String base64url) { return new BigInteger(1, Base64.getUrlDecoder().decode(base64url)); }

    /** java MenweiAssertion.java AUTH_ORIGIN AUDIENCE < TOKEN */
    public static void main(String[] arguments) throws Exception {
        String token = new String(System.in.readAllBytes(), StandardCharsets.US_ASCII).trim();
        try {
            String claims = new MenweiAssertion(arguments[0], arguments[1]).verify(token);
            System.out.println(text(claims, "sub") + " " + Objects.toString(text(claims, "name"), ""));
        } catch (SecurityException | GeneralSecurityException | IllegalArgumentException fault) {
            System.err.println("refused: " + fault.getMessage());
            System.exit(1);
        }
    }
}
