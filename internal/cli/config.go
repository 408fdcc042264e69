// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

// configName is the file that is looked for in the working folder and above it.
const configName = ".mivet.yaml"

// config is what an organisation writes down once, instead of with every command. A flag
// counts more than the environment, and the environment more than the file.
type config struct {
	// file is where it was read from; empty where there is none.
	file string
	// Input is read where no input is named. Paths are relative to the file.
	Input stringList `yaml:"input"`
	// Flags are values of flags, by name.
	Flags map[string]string `yaml:"flags"`
	// Environment says how an environment is written down.
	Environment struct {
		Tags          []string          `yaml:"tags"`
		Subscriptions map[string]string `yaml:"subscriptions"`
	} `yaml:"environment"`
	// Owner says how an owner is written down.
	Owner struct {
		Tags       []string `yaml:"tags"`
		Codeowners string   `yaml:"codeowners"`
	} `yaml:"owner"`
	Policy policyConfig `yaml:"policy"`
	// Suppressions are read by package vet.
	Suppressions yaml.Node `yaml:"suppressions"`

	suppressions []vet.Suppression
}

// policyConfig are the deadlines of an organisation.
type policyConfig struct {
	MaxDays int               `yaml:"max-days"`
	Due     map[string]int    `yaml:"due"`
	Enforce map[string]string `yaml:"enforce"`
}

// stringList is one text or a list of them.
type stringList []string

// UnmarshalYAML reads either.
func (l *stringList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = stringList{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// loadConfig reads the file that --config or MIVET_CONFIG names, else the nearest one
// upwards. "none" reads none.
func (a *app) loadConfig() (*config, error) {
	name := a.configFile
	if name == "" {
		name = a.Env("MIVET_CONFIG")
	}
	switch name {
	case "none":
		return &config{}, nil
	case "":
		found, err := upwards(configName)
		if err != nil || found == "" {
			return &config{}, err
		}
		name = found
	}
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return parseConfig(name, text)
}

// upwards returns the nearest file of a name in the working folder or above it, or "".
func upwards(name string) (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(folder, name)
		_, err := os.Stat(file)
		if err == nil {
			return fromHere(file), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", nil
		}
		folder = parent
	}
}

// fromHere writes a path as seen from the working folder, where that is possible.
func fromHere(file string) string {
	folder, err := os.Getwd()
	if err != nil {
		return file
	}
	if short, err := filepath.Rel(folder, file); err == nil {
		return short
	}
	return file
}

func parseConfig(file string, text []byte) (*config, error) {
	c := &config{file: file}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the configuration %s: %w", file, err)
	}
	var err error
	if c.suppressions, err = vet.ParseSuppressions(file, text); err != nil {
		return nil, err
	}
	return c, nil
}

// relative makes a path of the file one that can be opened from here.
func (c *config) relative(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}

// policy checks and returns the deadlines.
func (c *config) policy() (vet.Policy, error) {
	p := vet.Policy{MaxDays: c.Policy.MaxDays, Due: map[mivet.Severity]int{}, Enforce: map[string]time.Time{}}
	for name, days := range c.Policy.Due {
		var s mivet.Severity
		if err := s.UnmarshalText([]byte(name)); err != nil {
			return p, fmt.Errorf("%s: policy.due: %w", c.file, err)
		}
		p.Due[s] = days
	}
	for rule, day := range c.Policy.Enforce {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return p, fmt.Errorf("%s: policy.enforce.%s: %q is not a day like 2027-01-31", c.file, rule, day)
		}
		p.Enforce[rule] = t
	}
	return p, nil
}

// settle gives flags that the user did not set their values from the environment and the
// file, and remembers where each value is from.
func (a *app) settle(cmd *cobra.Command) error {
	var err error
	if a.config, err = a.loadConfig(); err != nil {
		a.started = true // the file is at fault, not the command line
		return err
	}
	a.origins = map[string]string{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if err == nil {
			err = a.settleFlag(f)
		}
	})
	return err
}

// ownFlags are those that no file and no variable can set: they belong to one command
// line.
var ownFlags = []string{"help", "version", "config", "output", "in", "demo", "batch", "tenant", "explain", "answers", "rule", "baseline"}

func (a *app) settleFlag(f *pflag.Flag) error {
	switch variable := flagVariable(f.Name); {
	case slices.Contains(ownFlags, f.Name):
		return nil
	case f.Changed:
		a.origins[f.Name] = "flag"
		return nil
	case a.Env(variable) != "":
		a.origins[f.Name] = variable
		if err := f.Value.Set(a.Env(variable)); err != nil {
			return usagef("%s=%s: %w", variable, a.Env(variable), err)
		}
		return nil
	}
	value, ok := a.config.Flags[f.Name]
	if !ok {
		a.origins[f.Name] = "default"
		return nil
	}
	a.origins[f.Name] = a.config.file
	if err := f.Value.Set(value); err != nil {
		a.started = true
		return fmt.Errorf("%s: flags.%s: %w", a.config.file, f.Name, err)
	}
	return nil
}

func flagVariable(name string) string {
	return "MIVET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// configCommand shows what holds, and why.
func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "the settings that hold",
		GroupID: groupOther,
		Example: "  mivet config show --origin",
		Args:    a.args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.misuse(cmd, errors.New(`a word is missing: "show"`))
		},
	}
	var out output
	var origin bool
	show := &cobra.Command{
		Use:     "show",
		Short:   "show the settings that hold, and where each is from",
		Example: "  mivet config show --origin\n  mivet config show --format json",
		Long: "A flag counts more than a variable MIVET_..., a variable more than .mivet.yaml in this folder or\n" +
			"the nearest above it. docs/configuration.md describes the file.",
		Args: a.args(0, 0),
	}
	show.RunE = a.run(func(context.Context, []string) (int, error) {
		settings, err := a.settings(show)
		if err != nil {
			return exitFailed, err
		}
		return exitOK, a.emit(&out, settingsWriter{settings, origin}.write)
	})
	out.register(show, formatText, formatJSON)
	show.Flags().BoolVar(&origin, "origin", false, "show where each setting is from")
	cmd.AddCommand(show)
	return cmd
}

// setting is one value that holds.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// settings lists what holds: the flags, the input, and the words of the organisation.
func (a *app) settings(cmd *cobra.Command) ([]setting, error) {
	if _, err := a.config.policy(); err != nil {
		return nil, err
	}
	var list []setting
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(ownFlags, f.Name) && f.Name != "origin" {
			list = append(list, setting{f.Name, f.Value.String(), a.origins[f.Name]})
		}
	})
	names, origin := a.defaultInput()
	list = append(list, setting{"input", strings.Join(names, ", "), origin})
	c := a.config
	add := func(name, value string) {
		s := setting{name, value, c.file}
		if value == "" {
			s.Origin = "default"
		}
		list = append(list, s)
	}
	add("environment.tags", strings.Join(c.Environment.Tags, ", "))
	add("environment.subscriptions", pairs(c.Environment.Subscriptions))
	add("owner.tags", strings.Join(c.Owner.Tags, ", "))
	add("owner.codeowners", c.Owner.Codeowners)
	add("policy.max-days", number(c.Policy.MaxDays))
	due := map[string]string{}
	for s, days := range c.Policy.Due {
		due[s] = strconv.Itoa(days)
	}
	add("policy.due", pairs(due))
	add("policy.enforce", pairs(c.Policy.Enforce))
	add("suppressions", number(len(c.suppressions)))
	return list, nil
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func pairs(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return strings.Join(parts, ", ")
}

// configJSON are the settings for machines.
type configJSON struct {
	SchemaVersion int       `json:"schemaVersion"`
	Settings      []setting `json:"settings"`
}

type settingsWriter struct {
	settings []setting
	origin   bool
}

func (s settingsWriter) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		return writeAnswer(w, "config", configJSON{1, s.settings})
	}
	p := newPrinter(w, colour)
	for _, x := range s.settings {
		value := x.Value
		if value == "" {
			value = "-"
		}
		if s.origin {
			p.printf("%-26s %-20s %s\n", x.Name, value, faint(x.Origin))
			continue
		}
		p.printf("%-26s %s\n", x.Name, value)
	}
	return p.err
}
