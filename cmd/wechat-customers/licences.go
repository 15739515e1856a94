package main

import (
	"fmt"
	"strings"

	"example.com/wechatcustomers/gen/licences"
	"example.com/wechatcustomers/gen/web"
)

type licencesCommand struct{}

// Run prints the program's own licence, and those of Go, of the Go modules and of the npm packages that are
// in it, with their texts.
func (licencesCommand) Run(s streams) error {
	pages, err := web.Files.ReadFile("assets/licences.txt")
	if err != nil {
		return err
	}
	const line = 80
	between := "\n" + strings.Repeat("-", line) + "\n\n"
	_, err = fmt.Fprint(s.out, licences.Own, between, licences.Go, between, string(pages))
	return err
}
