// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "show examples and flags of a command",
		Example: "  mivet help scan",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return a.noCommand(cmd.Root(), args)
			}
			a.printHelp(found)
			return nil
		},
	}
}

// printHelp shows what a command is for: examples first, flags last.
func (a *app) printHelp(cmd *cobra.Command) {
	p := newPrinter(a.Stdout, a.coloured(a.Stdout))
	p.printf("%s: %s\n", bold(cmd.CommandPath()), cmd.Short)
	if cmd.Example != "" {
		p.printf("\n%s\n%s\n", bold("Examples"), cmd.Example)
	}
	if cmd.Long != "" {
		p.printf("\n%s\n", cmd.Long)
	}
	p.printf("\n%s\n  %s\n", bold("Usage"), useLine(cmd))
	printCommands(p, cmd)
	printFlags(p, "Flags", cmd.LocalFlags().FlagUsages())
	printFlags(p, "Global flags", cmd.InheritedFlags().FlagUsages())
	if !cmd.HasParent() {
		p.printf("\n%s\n", bold("Exit codes"))
		for _, e := range exitCodes() {
			p.printf("  %d  %s\n", e.code, e.meaning)
		}
	}
}

func useLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

func printFlags(p *printer, title, usages string) {
	if usages = strings.TrimRight(usages, "\n"); usages != "" {
		p.printf("\n%s\n%s\n", bold(title), usages)
	}
}

// printCommands lists the commands below one, by group.
func printCommands(p *printer, cmd *cobra.Command) {
	width := 0
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			width = max(width, len(c.Name()))
		}
	}
	for _, g := range cmd.Groups() {
		titled := false
		for _, c := range cmd.Commands() {
			if c.GroupID != g.ID || c.Hidden {
				continue
			}
			if !titled {
				p.printf("\n%s\n", bold(g.Title))
				titled = true
			}
			p.printf("  %-*s  %s\n", width, c.Name(), c.Short)
		}
	}
}
