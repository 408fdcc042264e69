// SPDX-License-Identifier: Apache-2.0

// Command catalogen writes the tables of package catalog and their manifest from a folder
// of public data about Azure.
//
// It asks no network and decides nothing that the data does not say. The folder is not
// part of the repository, so it is run by hand when the data is renewed, and not by
// go generate:
//
//	go run ./internal/catalogen -data DIR -out catalog/data
//
// Before a run on newer data, bring sources.go up to date: commit, date and licence of
// each source stand there.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/mivet/mivet/catalog"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("catalogen: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// run generates the tables, reads them back and lists them.
func run(args []string) error {
	flags := flag.NewFlagSet("catalogen", flag.ContinueOnError)
	data := flags.String("data", "", "folder with the public data")
	out := flags.String("out", "", "folder to write the tables and the manifest to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *data == "" || *out == "" || flags.NArg() > 0 {
		return errors.New("give -data DIR and -out DIR, and nothing else")
	}
	if err := generate(os.DirFS(*data), *out, tables); err != nil {
		return err
	}
	c, err := catalog.Read(os.DirFS(*out))
	if err != nil {
		return fmt.Errorf("reading back what was written: %w", err)
	}
	if err := checkRequests(c, os.DirFS(*data)); err != nil {
		return err
	}
	for _, t := range c.Tables() {
		log.Printf("%-22s %6d rows, %s", t.Name, t.Rows, t.Date())
	}
	return nil
}
