// SPDX-License-Identifier: Apache-2.0

// Package conformance puts questions with known answers to mivet's engines and says
// where they agree.
//
// A case is one line of JSON: {"id", "kind", "input", "expected", …}. Only kind and input
// are read to find an answer; what was expected is looked at afterwards, and not at all
// where answers alone are asked for. An input that the engines cannot answer, or that
// holds a field they do not know, is answered with null and a reason, never guessed.
//
// The package knows no rule of Azure itself: it turns inputs into the facts that engines
// read and their decisions into answers. It reads no file on its own; paths inside of
// inputs are opened by the functions of [Options].
package conformance
