// SPDX-License-Identifier: Apache-2.0

// Package contract reads what owners agreed on about managed identities: which identities
// there are, of which type and why, who owns them, what they may do at most, what they must
// and must not be able to do, who may change what acts through them.
//
// A contract is a YAML file that stands beside the code. It may extend the file of an
// organisation, which it may tighten and never loosen, and it is written once for all
// stages, with values that differ from stage to stage. [Read] takes the files, [Document.For]
// gives the contract of one stage, [Bind] finds in a snapshot what a contract names.
//
// Every statement keeps its file, line and column. The package reads no file itself, asks no
// cloud, and guesses nothing: what a contract names and a snapshot does not hold is told as
// such. It does not judge either; the rules of package agreed do that.
package contract
