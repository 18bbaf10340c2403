package lab

import _ "embed"

// Reference is an experiment with every key there is, explained; a test decodes it.
//
//go:embed reference.yaml
var Reference string
