// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// The groups of commands, in the order of the help.
const (
	groupFirst     = "first"
	groupQuestions = "questions"
	groupTrust     = "trust"
	groupInside    = "inside"
	groupOther     = "other"
)

// unconfigured marks commands that read no configuration, so that they always run.
const unconfigured = "unconfigured"

// rootCommand builds the tree of commands for one run.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "mivet",
		Short: "proves that Azure managed identities do what their owners meant, and nothing more",
		Long: "mivet reads what is known of an Azure tenant from files, computes who can do what where,\n" +
			"and says what is wrong. It changes nothing and needs no Azure account.",
		Example: "  mivet demo                                 a walk through a tenant with mistakes\n" +
			"  mivet scan plan.json                       what is wrong in a Terraform plan\n" +
			"  mivet can orders-api Microsoft.KeyVault/vaults/secrets/getSecret/action kv-shop --in prod.mivet",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       a.version(),
		Args:          a.noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errorWithHint(usagef("a command is missing"), `"mivet demo" is a good first one; "mivet help" lists all`)
		},
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Annotations[unconfigured] != "" {
			return nil
		}
		return a.settle(cmd)
	}
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetIn(a.Stdin)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("mivet {{.Version}}\n")
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { a.printHelp(cmd) })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return a.misuse(cmd, err) })
	a.globalFlags(root)
	root.AddGroup(
		&cobra.Group{ID: groupFirst, Title: "Start here"},
		&cobra.Group{ID: groupQuestions, Title: "Questions"},
		&cobra.Group{ID: groupInside, Title: "Inside the workload"},
		&cobra.Group{ID: groupTrust, Title: "Trust"},
		&cobra.Group{ID: groupOther, Title: "Other"},
	)
	root.SetHelpCommand(a.helpCommand())
	root.SetHelpCommandGroupID(groupOther)
	root.AddCommand(a.commands()...)
	return root
}

// commands lists the constructors of all commands.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demoCommand(),
		a.scanCommand(),
		a.fixCommand(),
		a.checkCommand(),
		a.contractCommand(),
		a.verifyCommand(),
		a.canCommand(),
		a.whoCanCommand(),
		a.whatCanCommand(),
		a.accessCommand(),
		a.usageCommand(),
		a.urgencyCommand(),
		a.forensicsCommand(),
		a.pathCommand(),
		a.whoCanActAsCommand(),
		a.blastCommand(),
		a.chokeCommand(),
		a.shapersCommand(),
		a.eventsCommand(),
		a.outsideCommand(),
		a.integrityCommand(),
		a.identityCommand(),
		a.whyCommand(),
		a.equivalentCommand(),
		a.trimCommand(),
		a.diffCommand(),
		a.reviewCommand(),
		a.revokeCommand(),
		a.whoamiCommand(),
		a.attestCommand(),
		a.testCommand(),
		a.doctorCommand(),
		a.conformanceCommand(),
		a.snapshotCommand(),
		a.generateCommand(),
		a.labCommand(),
		a.explainCommand(),
		a.convertCommand(),
		a.configCommand(),
		a.versionCommand(),
		a.completionCommand(),
		a.referenceCommand(),
	}
}

func (a *app) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.Var(&choice{&a.colour, []string{"auto", "always", "never"}}, "color", "colour of text: auto, always, never")
	f.StringVar(&a.configFile, "config", "", `read this configuration, or "none" (default: .mivet.yaml in this folder or the nearest above)`)
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no notes on standard error; can and who-can: the exit code alone")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "more on standard error: every file that was read or left out")
}

// choice is a flag with a few values.
type choice struct {
	value  *string
	values []string
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c *choice) Type() string { return "string" }

func (c *choice) Set(s string) error {
	if slices.Contains(c.values, s) {
		*c.value = s
		return nil
	}
	return fmt.Errorf("it must be one of %v", c.values)
}

// work is what a command does once its line is understood. It returns the exit code, or
// an error, which decides the code then.
type work func(ctx context.Context, args []string) (int, error)

// run turns the work of a command into what the command library calls.
func (a *app) run(w work) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		code, err := w(cmd.Context(), args)
		a.code = code
		return err
	}
}

// args accepts from least to most arguments; most below 0 is any number.
func (a *app) args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least && len(args) == 0:
			return a.misuse(cmd, fmt.Errorf("arguments are missing"))
		case len(args) < least:
			return a.misuse(cmd, fmt.Errorf("an argument is missing after %q", args[len(args)-1]))
		case most >= 0 && len(args) > most:
			return a.misuse(cmd, fmt.Errorf("argument %q is one too many", args[most]))
		}
		return nil
	}
}

// noCommand refuses a word that is not a command, and names near ones.
func (a *app) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usagef("there is no command %q", args[0])
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if meant := near(args[0], names, 1); len(meant) > 0 {
		return errorWithHint(err, fmt.Sprintf("did you mean %q?", meant[0]))
	}
	return errorWithHint(err, `"mivet help" lists the commands`)
}

// misuse is an error in the line of a command, with the way it is meant.
func (a *app) misuse(cmd *cobra.Command, err error) error {
	return errorWithHint(&usageError{err}, "usage: "+cmd.UseLine(), fmt.Sprintf("%q shows examples", cmd.CommandPath()+" --help"))
}
