// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

//go:generate go run ../../cmd/mivet reference --output ../../docs/cli.md

// commandDoc is what the reference says of a command.
type commandDoc struct {
	path, use, short, long, example string
	flags                           []flagDoc
}

type flagDoc struct{ name, usage string }

// document describes every command that is shown, in the order of the help.
func document(root *cobra.Command) []commandDoc {
	var docs []commandDoc
	for _, g := range root.Groups() {
		for _, c := range root.Commands() {
			if c.GroupID == g.ID && !c.Hidden {
				docs = append(docs, describeCommand(c))
			}
		}
	}
	return docs
}

func describeCommand(c *cobra.Command) commandDoc {
	d := commandDoc{path: c.CommandPath(), use: c.UseLine(), short: c.Short, long: c.Long, example: c.Example}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			d.flags = append(d.flags, describeFlag(f))
		}
	})
	return d
}

func describeFlag(f *pflag.Flag) flagDoc {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if kind := f.Value.Type(); kind != "bool" {
		name += " " + strings.ToUpper(strings.TrimSuffix(kind, "Array"))
	}
	return flagDoc{name, f.Usage}
}

// globalFlagDocs describes the flags of every command.
func globalFlagDocs(root *cobra.Command) []flagDoc {
	var docs []flagDoc
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { docs = append(docs, describeFlag(f)) })
	return docs
}

// referenceCommand writes docs/cli.md and the manual page from the tree of commands.
func (a *app) referenceCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:         "reference",
		Short:       "write the reference of all commands",
		Hidden:      true,
		GroupID:     groupOther,
		Annotations: map[string]string{unconfigured: "yes"},
		Example:     "  mivet reference --output docs/cli.md\n  mivet reference --format man --output mivet.1",
		Args:        a.args(0, 0),
	}
	cmd.RunE = a.run(func(context.Context, []string) (int, error) {
		return exitOK, a.emit(&out, func(w io.Writer, format string, _ bool) error {
			if format == "man" {
				return writeMan(w, cmd.Root())
			}
			return writeReference(w, cmd.Root())
		})
	})
	out.register(cmd, "md", "man")
	return cmd
}

// writeReference writes the page in Markdown.
func writeReference(w io.Writer, root *cobra.Command) error {
	docs := document(root)
	var b strings.Builder
	b.WriteString("# Commands\n\nWritten by `go generate ./internal/cli`; a test compares. ")
	b.WriteString("Exit codes: [exit-codes.md](exit-codes.md).\n\n| command | question |\n|---|---|\n")
	for _, d := range docs {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", d.path, strings.ReplaceAll(d.path, " ", "-"), d.short)
	}
	b.WriteString("\n## Flags of every command\n\n")
	writeFlagTable(&b, globalFlagDocs(root))
	for _, d := range docs {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```sh\n%s\n```\n", d.path, capital(d.short), dedent(d.example))
		if d.long != "" {
			fmt.Fprintf(&b, "\n%s\n", d.long)
		}
		fmt.Fprintf(&b, "\nUsage: `%s`\n", d.use)
		if len(d.flags) > 0 {
			b.WriteString("\n")
			writeFlagTable(&b, d.flags)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeFlagTable(b *strings.Builder, flags []flagDoc) {
	b.WriteString("| flag | meaning |\n|---|---|\n")
	for _, f := range flags {
		fmt.Fprintf(b, "| `%s` | %s |\n", f.name, strings.ReplaceAll(f.usage, "|", `\|`))
	}
}

// dedent takes away the blanks that the help puts before examples.
func dedent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// writeMan writes one manual page for all commands.
func writeMan(w io.Writer, root *cobra.Command) error {
	var b strings.Builder
	b.WriteString(".TH MIVET 1\n.SH NAME\n")
	fmt.Fprintf(&b, "mivet \\- %s\n.SH SYNOPSIS\n.B mivet\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n%s\n", roff(root.Short), roff(root.Long))
	b.WriteString(".SH COMMANDS\n")
	for _, d := range document(root) {
		fmt.Fprintf(&b, ".SS %s\n%s.\n", roff(d.use), roff(capital(d.short)))
		if d.long != "" {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(d.long))
		}
		fmt.Fprintf(&b, ".PP\n.nf\n%s\n.fi\n", roff(d.example))
		writeManFlags(&b, d.flags)
	}
	b.WriteString(".SH GLOBAL FLAGS\n")
	writeManFlags(&b, globalFlagDocs(root))
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, ".TP\n%d\n%s\n", e.code, roff(e.meaning))
	}
	b.WriteString(".SH ENVIRONMENT\n.TP\nMIVET_INPUT\nwhat to read where no input is named; several are separated as in PATH\n" +
		".TP\nNO_COLOR, FORCE_COLOR\nno colour, or always colour\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func writeManFlags(b *strings.Builder, flags []flagDoc) {
	for _, f := range flags {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(f.name), roff(f.usage))
	}
}

// roff protects what the manual's typesetter would take for its own.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

// completionCommand writes a script for a shell.
func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:         "completion SHELL",
		Short:       "write a completion script for bash, zsh, fish or powershell",
		GroupID:     groupOther,
		Annotations: map[string]string{unconfigured: "yes"},
		ValidArgs:   shells,
		Example: "  source <(mivet completion bash)\n" +
			"  mivet completion fish > ~/.config/fish/completions/mivet.fish",
		Long: "With MIVET_INPUT set, or --in given, the names of its identities and resources are completed too.",
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || !slices.Contains(shells, args[0]) {
			return a.misuse(cmd, fmt.Errorf("one of %s is expected", strings.Join(shells, ", ")))
		}
		return nil
	}
	cmd.RunE = a.run(func(_ context.Context, args []string) (int, error) {
		return exitOK, writeCompletion(a.Stdout, cmd.Root(), args[0])
	})
	return cmd
}

func writeCompletion(w io.Writer, root *cobra.Command, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	default:
		return root.GenPowerShellCompletionWithDesc(w)
	}
}
