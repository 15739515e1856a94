// Package api holds the contract: the OpenAPI document that every other part of the program is
// generated from or checked against.
package api

import _ "embed"

// Document is api/openapi.yaml as it was when the program was built.
//
//go:embed openapi.yaml
var Document []byte
