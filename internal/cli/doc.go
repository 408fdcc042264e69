// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of mivet as a function: [Command] holds the streams,
// the environment and the clock, and Main takes the arguments and returns the exit code.
//
// It reads files, puts questions to the engines and prints answers. It decides nothing
// about Azure itself, keeps no state between runs, sends nothing anywhere, and lets no
// type of its command library out.
//
// # Manners
//
// These hold for every command.
//
// Results go to standard output, everything else to standard error: so a pipe carries
// results alone, and a terminal shows both.
//
// A message starts with "mivet: ", goes on in lower case and ends without a full stop.
// Advice follows on lines of its own that start with "mivet: hint: ". What was read and
// not understood is a "mivet: note: "; --quiet takes notes away, and never an error or
// a result's exit code.
//
// Text is for people and may change; JSON is for machines, carries "schemaVersion", and
// within a version only grows. Times are RFC 3339 in UTC. The order of results never
// depends on chance.
//
// Colour only repeats what words say. It is used on a terminal; --color decides first,
// then a NO_COLOR that is not empty, then FORCE_COLOR. Frames and arrows are ASCII.
// Whatever comes out of an input is printed with its control characters escaped, so that
// a name cannot move the cursor or retitle a window.
//
// No command asks a question back. Nothing is overwritten halfway: a file given to
// --output is complete or untouched.
//
// An interrupt ends the run with a message and exit code 3; a second one kills it.
package cli
