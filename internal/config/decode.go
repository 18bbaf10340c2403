package config

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

var levelType = reflect.TypeFor[slog.Level]()

// boolMapper lets a flag stand without a value.
type boolMapper struct{ kong.MapperFunc }

// IsBool tells kong that the flag takes a value only after "=".
func (boolMapper) IsBool() bool { return true }

// decode reads one value for kong. A bad value is noted and the default taken in its place, so
// that kong goes on to the next setting and range checks stay quiet about this one.
func (p *parser) decode(ctx *kong.DecodeContext, target reflect.Value) error {
	token := ctx.Scan.Peek()
	if target.Kind() == reflect.Bool && token.Type != kong.FlagValueToken {
		target.SetBool(true)
		return nil
	}
	setting := ctx.Value.ShortSummary()
	if !token.IsValue() {
		p.problems.add(setting, "", "needs a value; write "+ctx.Value.Summary())
		return nil
	}
	text, err := textOf(ctx.Scan.Pop().Value)
	if err == nil {
		err = set(target, text)
	}
	if err == nil {
		return nil
	}
	switch target.Addr().Interface().(type) {
	case *URLs:
		text = redact(text)
	case *KeySources: // may be a key instead
		text = ""
	}
	p.problems.add(setting, text, err.Error())
	return setDefault(target, ctx.Value)
}

func setDefault(target reflect.Value, v *kong.Value) error {
	target.SetZero()
	if !v.HasDefault {
		return nil
	}
	return set(target, v.Default)
}

// textOf turns what YAML made of a value back into text. Lists become comma-separated.
func textOf(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case []any:
		fields := make([]string, len(v))
		for i, field := range v {
			fields[i] = fmt.Sprint(field)
		}
		return strings.Join(fields, ","), nil
	case map[string]any, map[any]any:
		return "", errors.New("a mapping where a single value belongs; keys are flag names, such as feed-interval")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return fmt.Sprint(value), nil
}

// set parses text into target, which is one of the types of Config's fields. Errors name the
// remedy.
func set(target reflect.Value, text string) error {
	switch v := target.Addr().Interface().(type) {
	case *time.Duration:
		return setDuration(v, text)
	case *slog.Level:
		if err := v.UnmarshalText([]byte(text)); err != nil {
			return errors.New("not a log level; write debug, info, warn or error")
		}
		return nil
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	}
	switch target.Kind() {
	case reflect.Bool:
		return setBool(target, text)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errors.New("not a whole number")
		}
		target.SetInt(n)
	default:
		target.SetString(text)
	}
	return nil
}

func setDuration(d *time.Duration, text string) error {
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("not a duration; write 500ms, 10s or 2m")
	}
	*d = parsed
	return nil
}

func setBool(target reflect.Value, text string) error {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		target.SetBool(true)
	case "false", "no", "off", "0":
		target.SetBool(false)
	default:
		return errors.New("neither true nor false")
	}
	return nil
}
