// SPDX-License-Identifier: Apache-2.0

// Package report writes what rules found, for people and for machines.
//
// A run is a stream of typed messages: first what was looked at, then each finding, each
// thing that could not be decided, and a summary. [Send] makes the stream of results; a
// format is a [Handler] of it; [Read] makes the stream of a saved file again, so that one
// run can be written in any format later.
//
// The package decides nothing: it does not drop, rank or judge findings. It opens no file
// and does not ask whether there is a terminal; whether to use colour is the caller's word.
// No meaning is carried by colour alone.
package report
