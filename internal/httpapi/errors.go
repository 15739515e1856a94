package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/apierr"
)

// answers is the one table of what each kind of failure is answered with; the first three texts are
// the original's own.
var answers = map[apierr.Code]struct {
	status int
	code   api.ErrorCode
	msg    string
}{
	apierr.Unauthenticated: {http.StatusUnauthorized, api.CodeUnauthenticated, "请登录"},
	apierr.Forbidden:       {http.StatusForbidden, api.CodeForbidden, "无权管理该企业"},
	apierr.ChooseBusiness:  {http.StatusBadRequest, api.CodeNoEnterprise, "请先选择要管理的企业"},
	apierr.Invalid:         {http.StatusBadRequest, api.CodeInvalidParameter, "参数错误"},
	apierr.NotFound:        {http.StatusNotFound, api.CodeNotFound, "接口不存在"},
	apierr.Method:          {http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "不支持的请求方法"},
	apierr.TooLarge:        {http.StatusRequestEntityTooLarge, api.CodeTooLarge, "请求内容过大"},
	apierr.TooLong:         {http.StatusRequestURITooLong, api.CodeTooLarge, "请求地址过长"},
	apierr.HeaderTooLong:   {http.StatusRequestHeaderFieldsTooLarge, api.CodeTooLarge, "请求头过大"},
	apierr.MediaType: {http.StatusUnsupportedMediaType, api.CodeUnsupportedMediaType,
		"不支持的请求内容类型,请使用 JSON 或表单"},
	apierr.TooMany:     {http.StatusTooManyRequests, api.CodeTooManyRequests, "请求过于频繁,请稍后再试"},
	apierr.Unavailable: {http.StatusServiceUnavailable, api.CodeUnavailable, "服务暂时不可用,请稍后再试"},
	apierr.Internal:    {http.StatusInternalServerError, api.CodeInternal, "服务器内部错误"},
}

const (
	// errorCode is the header that has the error's code, for programs.
	errorCode = "X-Error-Code"
	// retryAfter is when a caller may try again what was Unavailable, in seconds: a database comes
	// back in seconds or not at all.
	retryAfter = "1"
	// calmAfter is that of a request refused because too many came: who comes back at once is refused
	// once more, and takes time from those that are answered.
	calmAfter = "3"
)

// fieldCode returns the code of one wrong parameter.
func fieldCode(f apierr.Field) api.FieldErrorCode {
	switch {
	case f.Unknown:
		return api.FieldUnknown
	case f.Field == apierr.Body:
		return api.FieldBody
	}
	return api.FieldInvalid
}

// sendError answers err as the contract's error envelope. The cause of the service's own failures
// is never in it: only the request's id, by which the log has the cause.
func (x *edge) sendError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	f := toFault(err)
	a := answers[f.Code]
	body := api.ErrorResult{Result: api.ResultError, Msg: a.msg, Data: []api.FieldError{}}
	code := a.code
	switch {
	case f.Code == apierr.Internal:
		body.Msg += "(请求 " + requestID(c) + ")"
	case len(f.Fields) > 0:
		texts := make([]string, len(f.Fields))
		for i, field := range f.Fields {
			texts[i] = field.Field + " " + field.Message
			message := field.Message
			if field.Got != "" {
				message += ",收到的是 " + field.Got
			}
			body.Data = append(body.Data, api.FieldError{
				Field: field.Field, Message: message, Code: fieldCode(field),
			})
		}
		code = api.ErrorCode(body.Data[0].Code)
		body.Msg += ":" + strings.Join(texts, ";")
	}
	switch f.Code {
	case apierr.Unauthenticated:
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	case apierr.Unavailable:
		after := retryAfter
		if errors.Is(err, errOverloaded) {
			after = calmAfter
		}
		c.Response().Header().Set(echo.HeaderRetryAfter, after)
	}
	c.Response().Header().Set(errorCode, string(code))
	status := a.status
	if x.LegacyStatus && strings.HasPrefix(c.Request().URL.Path+"/", apiPrefix) {
		status = http.StatusOK
	}
	// Old front-ends get failures as 200, which a cache would be free to keep.
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	// Not c.JSON, which parses the query, the rejected ones too, and indents for ?pretty.
	text, err := json.Marshal(body)
	if err == nil {
		err = c.Blob(status, echo.MIMEApplicationJSON, append(text, '\n'))
	}
	if err != nil {
		x.Log.DebugContext(c.Request().Context(), "answer not sent", "error", err, "request_id", requestID(c))
	}
}

// wrongFields returns what the document's validation found: a field for each wrong parameter in the
// document's order. An error is anything else that it stumbled over.
func wrongFields(err error) (fields []apierr.Field, _ error) {
	if err == nil {
		return nil, nil
	}
	for _, e := range flatten(err) {
		var wrong *openapi3filter.RequestError
		if !errors.As(e, &wrong) || wrong.Parameter == nil {
			return nil, fmt.Errorf("validate: %w", e)
		}
		name := wrong.Parameter.Name
		if slices.ContainsFunc(fields, func(f apierr.Field) bool { return f.Field == name }) {
			continue
		}
		fields = append(fields, apierr.Field{Field: name, Message: mayBe(wrong), Got: got(wrong)})
	}
	return fields, nil
}

// flatten returns the single errors of a validation, one for each parameter.
func flatten(err error) []error {
	many, ok := err.(openapi3.MultiError) //nolint:errorlint // errors.As would find one of the errors inside, and drop the others
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range many {
		all = append(all, flatten(e)...)
	}
	return all
}

// mayBe says in Chinese what a parameter may be, from its schema in the document. Where a pattern
// needs words, the document has them in x-message.
func mayBe(wrong *openapi3filter.RequestError) string {
	schema := wrong.Parameter.Schema.Value
	var failed *openapi3.SchemaError
	if errors.As(wrong.Err, &failed) && failed.Schema != nil {
		schema = failed.Schema // of an array's item, where that is what failed
		if failed.SchemaField == "maxLength" {
			return fmt.Sprintf("最多 %d 个字符", *schema.MaxLength)
		}
	}
	return says(schema)
}

// says is what a value of the schema may be.
func says(schema *openapi3.Schema) string {
	if text, ok := schema.Extensions["x-message"].(string); ok {
		return text
	}
	switch {
	case len(schema.Enum) > 0:
		values := make([]string, len(schema.Enum))
		for i, v := range schema.Enum {
			values[i] = fmt.Sprint(v)
		}
		return "只能是 " + strings.Join(values, " 或 ")
	case schema.Min != nil && schema.Max != nil:
		return fmt.Sprintf("只能是 %.0f 到 %.0f 的整数", *schema.Min, *schema.Max)
	case schema.Min != nil:
		return fmt.Sprintf("只能是不小于 %.0f 的整数", *schema.Min)
	case schema.MaxLength != nil:
		return fmt.Sprintf("最多 %d 个字符", *schema.MaxLength)
	}
	return "格式不正确"
}

// got returns the value that the parameter had, quoted; "" where it is not known.
func got(wrong *openapi3filter.RequestError) string {
	var value string
	var unread *openapi3filter.ParseError
	var failed *openapi3.SchemaError
	switch {
	case errors.As(wrong.Err, &unread):
		value = fmt.Sprint(unread.Value)
	case errors.As(wrong.Err, &failed):
		value = fmt.Sprint(failed.Value)
		if n, ok := failed.Value.(float64); ok {
			value = strconv.FormatFloat(n, 'f', -1, 64)
		}
	default:
		return ""
	}
	return apierr.Quote(value)
}
