// Package db embeds the migrations, so that the program carries its tables with it.
package db

import "embed"

// Migrations holds migrations/*.sql, in the format of goose.
//
//go:embed migrations/*.sql
var Migrations embed.FS
