// SPDX-License-Identifier: Apache-2.0

// Package oracle holds the shapes of the laboratory to Microsoft's: its tests read what a
// lab serves through the official clients, which know the types of Azure's own answers.
//
// It is a module of its own, so that none of these clients becomes a requirement of mivet.
// It has no code beside its tests.
package oracle
