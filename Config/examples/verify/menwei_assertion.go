// Verifies the assertion that Menwei sends with each request. Standard library only, Go 1.19 or newer.
//
//	assertions := &Assertions{AuthOrigin: "https://auth.corp.example", Audience: "https://wiki.corp.example"}
//	claims, err := assertions.Verify(request.Header.Get("X-Menwei-Assertion"))
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const leeway = 30 // seconds

type Claims struct {
	Issuer      string `json:"iss"`
	Audience    string `json:"aud"`
	Account     string `json:"sub"`
	NotBefore   int64  `json:"nbf"`
	Expires     int64  `json:"exp"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	Departments []int  `json:"departments"`
}

// Assertions verifies for one site. Audience: its origin, with its `path` behind it where that is not `/`.
type Assertions struct {
	AuthOrigin, Audience string

	lock    sync.Mutex
	keys    map[string]crypto.PublicKey
	fetched time.Time
}

func (a *Assertions) Verify(token string) (*Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a JWT")
	}
	var head struct {
		Alg, Kid string
		Crit     json.RawMessage
	}
	if err := decode(parts[0], &head); err != nil || head.Crit != nil {
		return nil, errors.New("no head, or one with an extension that is not known")
	}
	key, err := a.key(head.Kid)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !fits(key, head.Alg, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, errors.New("the signature does not fit")
	}
	claims := new(Claims)
	if err := decode(parts[1], claims); err != nil {
		return nil, err
	}
	if repeats(parts[1]) {
		return nil, errors.New("a claim that stands twice")
	}
	now := time.Now().Unix()
	switch {
	case claims.Issuer != a.AuthOrigin:
		return nil, errors.New("from another issuer")
	case claims.Audience != a.Audience:
		return nil, errors.New("for another site")
	case now > claims.Expires+leeway:
		return nil, errors.New("expired")
	case now < claims.NotBefore-leeway:
		return nil, errors.New("not valid yet")
	case claims.Account == "":
		return nil, errors.New("names nobody")
	}
	return claims, nil
}

// What a key is for follows from its kind, never from what a token says.
func fits(key crypto.PublicKey, algorithm string, message, signature []byte) bool {
	digest := sha256.Sum256(message)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		// JWS has the two numbers one after the other, 32 bytes each.
		return algorithm == "ES256" && len(signature) == 64 &&
			ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PublicKey:
		return algorithm == "EdDSA" && ed25519.Verify(key, message, signature)
	case *rsa.PublicKey:
		return algorithm == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}

// From the set that was fetched less than five minutes ago; an unknown key is looked for again, once in ten seconds at the most.
func (a *Assertions) key(kid string) (crypto.PublicKey, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	age := time.Since(a.fetched)
	if key := a.keys[kid]; age > 5*time.Minute || key == nil && age > 10*time.Second {
		if err := a.fetch(); err != nil {
			return nil, err
		}
	}
	if key := a.keys[kid]; key != nil {
		return key, nil
	}
	return nil, errors.New("signed with an unknown key")
}

func (a *Assertions) fetch() error {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(a.AuthOrigin + "/.menwei/jwks.json")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X, Y, N, E string }
	}
	if answer.StatusCode != 200 {
		return errors.New("no keys: " + answer.Status)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&set); err != nil {
		return err
	}
	keys := map[string]crypto.PublicKey{}
	for _, jwk := range set.Keys {
		switch {
		case jwk.Crv == "P-256":
			key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(jwk.X), Y: number(jwk.Y)}
			if key.Curve.IsOnCurve(key.X, key.Y) {
				keys[jwk.Kid] = key
			}
		case jwk.Crv == "Ed25519":
			if x, err := base64.RawURLEncoding.DecodeString(jwk.X); err == nil && len(x) == ed25519.PublicKeySize {
				keys[jwk.Kid] = ed25519.PublicKey(x)
			}
		case jwk.Kty == "RSA":
			if n, e := number(jwk.N), number(jwk.E); n.BitLen() >= 2048 && e.BitLen() <= 31 {
				keys[jwk.Kid] = &rsa.PublicKey{N: n, E: int(e.Int64())}
			}
		}
	}
	a.keys, a.fetched = keys, time.Now()
	return nil
}

// Zero where it is none, which is no part of any key.
func number(text string) *big.Int {
	number, _ := base64.RawURLEncoding.DecodeString(text)
	return new(big.Int).SetBytes(number)
}

func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Whether a name stands twice, of which two readers might believe two values. Case counts for nothing, as in encoding/json.
func repeats(part string) bool {
	text, _ := base64.RawURLEncoding.DecodeString(part)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.Token()
	names := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return true
		}
		key := strings.ToLower(strings.ToUpper(name.(string)))
		if names[key] {
			return true
		}
		names[key] = true
	}
	return false
}

// go run menwei_assertion.go AUTH_ORIGIN AUDIENCE < TOKEN
func main() {
	token, _ := io.ReadAll(os.Stdin)
	assertions := &Assertions{AuthOrigin: os.Args[1], Audience: os.Args[2]}
	claims, err := assertions.Verify(strings.TrimSpace(string(token)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
	fmt.Println(claims.Account, claims.Name)
}
