// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/arm"
)

// maxCompletions is how many words a shell is offered at once.
const maxCompletions = 200

// completer offers the words for one argument.
type completer func(a *app, f *inputFlags, cmd *cobra.Command) []string

// completeArgs offers words for the arguments of a command, in their order. It says
// nothing where an input cannot be read: a shell has no place for an error.
func (a *app) completeArgs(f *inputFlags, by ...completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(by) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		key := string(arm.Fold(begun))
		words := slices.DeleteFunc(by[len(args)](a, f, cmd), func(w string) bool {
			return !strings.HasPrefix(string(arm.Fold(w)), key)
		})
		slices.Sort(words)
		words = slices.Compact(words)
		return words[:min(len(words), maxCompletions)], cobra.ShellCompDirectiveNoFileComp
	}
}

// readQuietly reads the inputs for completion, or returns nil.
func (a *app) readQuietly(f *inputFlags, cmd *cobra.Command) *reading {
	mute := *a
	mute.quiet, mute.Stderr = true, io.Discard
	r, err := mute.read(cmd.Context(), f, nil)
	if err != nil {
		return nil
	}
	return r
}

func completeIdentity(a *app, f *inputFlags, cmd *cobra.Command) []string {
	r := a.readQuietly(f, cmd)
	if r == nil {
		return nil
	}
	var words []string
	for i := range r.snap.Principals {
		words = append(words, r.snap.Principals[i].Name)
	}
	for i := range r.snap.Identities {
		words = append(words, r.snap.Identities[i].Resource.Name())
	}
	return words
}

func completeResource(a *app, f *inputFlags, cmd *cobra.Command) []string {
	r := a.readQuietly(f, cmd)
	if r == nil {
		return nil
	}
	var words []string
	for i := range r.snap.Resources {
		words = append(words, r.snap.Resources[i].ID.Name())
	}
	for i := range r.snap.Subscriptions {
		words = append(words, r.snap.Subscriptions[i].Name)
	}
	return words
}

func completeOperation(a *app, _ *inputFlags, _ *cobra.Command) []string {
	cat, err := a.catalog()
	if err != nil {
		return nil
	}
	words := make([]string, cat.NumOperations())
	for i := range words {
		words[i] = cat.Operation(i).String()
	}
	return words
}
