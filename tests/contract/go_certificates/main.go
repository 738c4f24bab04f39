// Reads a CA and a server certificate from standard input, as JSON, and does with them what a Go replica and the API server do:
// keys read as PKCS#1, the pair as a server's, the chain verified for every name.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
)

type input struct {
	CACert, CAKey, Cert, Key string
	Names                    []string
}

func main() {
	if err := check(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func check() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	for _, key := range []string{in.CAKey, in.Key} {
		block, _ := pem.Decode([]byte(key))
		if block == nil || block.Type != "RSA PRIVATE KEY" {
			return fmt.Errorf("a key is no RSA PRIVATE KEY")
		}
		if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return err
		}
	}
	if _, err := tls.X509KeyPair([]byte(in.CACert), []byte(in.CAKey)); err != nil {
		return fmt.Errorf("CA: %w", err)
	}
	pair, err := tls.X509KeyPair([]byte(in.Cert), []byte(in.Key))
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(in.CACert)) {
		return fmt.Errorf("the CA is no certificate")
	}
	for _, name := range in.Names {
		options := x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if _, err := leaf.Verify(options); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
