// Verifies the assertion that Menwei sends with each request. Standard library only, Go 1.19 or newer.
//
//	assertions := &Assertions{AuthOrigin: "https://auth.corp.example", Audience: "https://wiki.corp.example"}
//	claims, err := assertions.Verify(request.Header.Get("X-Menwei-Assertion"))
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
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
	keys    map[string]*ecdsa.PublicKey
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
	if err := decode(parts[0], &head); err != nil || head.Alg != "ES256" || head.Crit != nil {
		return nil, errors.New("not ES256, or with an extension that is not known")
	}
	key, err := a.key(head.Kid)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	// JWS has the two numbers one after the other, 32 bytes each.
	if err != nil || len(signature) != 64 ||
		!ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return nil, errors.New("the signature does not fit")
	}
	claims := new(Claims)
	if err := decode(parts[1], claims); err != nil {
		return nil, err
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

// From the set that was fetched less than five minutes ago; an unknown key is looked for again, once in ten seconds at the most.
func (a *Assertions) key(kid string) (*ecdsa.PublicKey, error) {
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
		Keys []struct{ Kid, Crv, X, Y string }
	}
	if answer.StatusCode != 200 {
		return errors.New("no keys: " + answer.Status)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&set); err != nil {
		return err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, jwk := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(jwk.X)
		y, errY := base64.RawURLEncoding.DecodeString(jwk.Y)
		if jwk.Crv != "P-256" || errX != nil || errY != nil {
			continue
		}
		key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
		if key.Curve.IsOnCurve(key.X, key.Y) {
			keys[jwk.Kid] = key
		}
	}
	a.keys, a.fetched = keys, time.Now()
	return nil
}

func decode(part string, into any) error {
	bytes, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(bytes, into)
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
