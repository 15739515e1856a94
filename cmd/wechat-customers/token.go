package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/wechatcustomers/internal/auth"
)

// tokenFlags say how tokens are signed and read.
type tokenFlags struct {
	JWTSecret   string `name:"jwt-secret" env:"JWT_SECRET" secret:"" placeholder:"TEXT" help:"Secret of HS256 tokens, at least 32 bytes. Default on the embedded database: one of its own, kept in DATA_DIR."`
	JWTIssuer   string `name:"jwt-issuer" env:"JWT_ISSUER" placeholder:"TEXT" help:"The iss that tokens must have."`
	JWTAudience string `name:"jwt-audience" env:"JWT_AUDIENCE" placeholder:"TEXT" help:"The aud that tokens must have."`
}

// secret returns the configured secret, or the embedded database's own, or none.
func (f tokenFlags) secret(d databaseFlags) ([]byte, error) {
	if f.JWTSecret != "" || d.DatabaseDSN != "" {
		return []byte(f.JWTSecret), nil
	}
	return auth.LoadOrCreateSecret(d.DataDir)
}

type tokenCommand struct {
	databaseFlags
	tokenFlags
	UID     uint32        `name:"uid" required:"" help:"The mall member (系统会员) that the token speaks for."`
	Uniacid uint32        `required:"" help:"The mall account (公众号)."`
	CropID  uint32        `name:"crop-id" help:"The enterprise that requests are about by default."`
	TTL     time.Duration `name:"ttl" default:"12h" help:"How long the token holds (${default})."`
}

// Run prints a token alone on standard output.
func (c tokenCommand) Run(_ context.Context, s streams) error {
	secret, err := c.secret(c.databaseFlags)
	if err != nil {
		return err
	}
	if len(secret) == 0 {
		return errors.New("JWT_SECRET is not set: with DATABASE_DSN a token is signed with it")
	}
	token, err := auth.Mint(secret, auth.Member{UID: c.UID, Uniacid: c.Uniacid, CropID: c.CropID}, c.TTL, time.Now(), c.JWTIssuer, c.JWTAudience)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, token)
	return err
}
