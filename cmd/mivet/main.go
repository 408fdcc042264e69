// SPDX-License-Identifier: Apache-2.0

// Command mivet vets the managed identities of an Azure tenant: who can do what where,
// and what is wrong with it. It changes nothing in Azure.
package main

import (
	"os"

	"github.com/mivet/mivet/internal/cli"
)

func main() {
	c := cli.Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Getenv}
	os.Exit(c.Main(os.Args[1:]))
}
