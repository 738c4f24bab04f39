//go:build tools

// Package main only names the command that scripts/helm.ts builds, so that go.mod and go.sum cover it.
package main

import _ "helm.sh/helm/v3/cmd/helm"
