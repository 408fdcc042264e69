// SPDX-License-Identifier: Apache-2.0

package path_test

import (
	"testing"

	"github.com/mivet/mivet/rules/path"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, path.Suite()) }
