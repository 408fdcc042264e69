// SPDX-License-Identifier: Apache-2.0

// Package lab is a simulated Azure on TLS, for tests, training and demonstrations: the
// token endpoints of Entra ID, Resource Manager, Resource Graph, Microsoft Graph, and the
// data planes of Key Vault, storage and Service Bus, all of them serving one tenant. It
// begins as a snapshot says; what is written through Resource Manager makes the next state.
//
// It decides every request with the engine of package authz for the caller's token. One
// caller stands outside: the operator ([OperatorID]) may do everything and appears in
// nothing that is served, so that what is served stays what the snapshot holds.
//
// It writes nothing down but logs, refuses what it does not understand instead of guessing
// an answer, and is no place for secrets: who can reach it can read it.
package lab
