package client_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"example.com/wechatcustomers/api/client"
)

// The examples run against the real server that internal/clienttest starts; in your program the
// address and the token come from its configuration.
func address() string { return os.Getenv("CLIENT_EXAMPLES_URL") }
func bearer() string  { return os.Getenv("CLIENT_EXAMPLES_TOKEN") }

// Without a server the other tests alone can run.
func TestMain(m *testing.M) {
	if address() == "" {
		if err := flag.Set("test.skip", "^Example"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func Example() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := c.GetList(context.Background(), 2, client.Query{Customer: "李", Status: client.StatusFollowing})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Total, "customers")
	for _, row := range page.Data {
		employee := "nobody known" // who is deleted, or not there yet
		if row.HasOneEmployee != nil {
			employee = row.HasOneEmployee.Name
		}
		fmt.Println(row.ID, row.HasOneCustomer.Name, employee)
	}
	// Output:
	// 2 customers
	// 5 李一天 韦平
	// 1 李一天 李健平
}

// All filters apply together. Member and AddWay are pointers, because their 0 is a value.
func ExampleClient_GetList() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	china, unknown := time.FixedZone("CST", 8*60*60), int32(0)
	page, err := c.GetList(context.Background(), 2, client.Query{
		Tags:    []string{"etVIP", "etNew"}, // any of them
		From:    time.Date(2021, 9, 22, 0, 0, 0, 0, china),
		AddWay:  &unknown,
		PerPage: 10,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range page.Data {
		fmt.Println(row.ID, row.HasOneCustomer.Name, row.TagName, time.Unix(row.Createtime, 0).In(china).Format(time.DateOnly))
	}
	// Output:
	// 2 Abe 新客 2021-09-22
}

// Facets are the numbers beside filter controls: each list counts the rows under all filters but
// its own, so that the other employees have theirs too.
func ExampleClient_GetFacets() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	q := client.Query{Employees: []string{"WeiPing"}}
	facets, err := c.GetFacets(context.Background(), 2, q, client.FacetTag)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(facets.Total, "rows of", facets.Customers, "customers")
	for _, e := range facets.Employee {
		fmt.Println(e.Name, e.Count)
	}
	// Output:
	// 3 rows of 3 customers
	// 韦平 3
	// 李健平 2
}

// Rows reads the whole list, in as many requests as it takes.
func ExampleClient_Rows() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range c.Rows(context.Background(), 2, client.Query{Employee: "WeiPing", PerPage: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.ID, row.HasOneCustomer.Name)
	}
	// Output:
	// 5 李一天
	// 4 孙新建
	// 3 李想
}

func ExampleClient_GetBusinessList() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	businesses, err := c.GetBusinessList(context.Background(), 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range businesses {
		fmt.Println(b.CropID, b.Name)
	}
	// Output:
	// 1 芸众
}

// What the server refuses is an *Error, with each wrong parameter in Fields.
func ExampleError() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.GetList(context.Background(), 2, client.Query{Mobile: "abc"})
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code)
		for _, f := range refused.Fields {
			fmt.Println(f.Field)
		}
	}
	// Output:
	// 400 invalid_parameter
	// search[mobile]
}

// What the server would refuse is the same error, and is not sent.
func ExampleError_notSent() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.GetList(context.Background(), 2, client.Query{Tags: []string{""}})
	fmt.Println(err)
	fmt.Println(client.CodeOf(err))
	// Output:
	// getList: not sent 参数错误:search[tags_data] 每一项都不能为空,也不能含有逗号
	// invalid_parameter
}

func ExampleIsUnauthenticated() {
	c, err := client.New(address(), client.WithToken("expired"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.GetBusinessList(context.Background(), 2)
	fmt.Println(client.IsUnauthenticated(err), client.IsForbidden(err))
	// Output:
	// true false
}

// A token that expires is renewed by the function that is asked for it: before every call, and once
// more where the server refuses what it returned.
func ExampleWithTokenSource() {
	kept := "expired"
	source := func(_ context.Context, refused string) (string, error) {
		if refused == kept {
			kept = bearer() // in your program: fetched from where members sign in
		}
		return kept, nil
	}
	c, err := client.New(address(), client.WithTokenSource(source))
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := c.GetList(context.Background(), 2, client.Query{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Total)
	// Output:
	// 5
}

// The same page again is fetched only where it has changed; the response says so.
func ExampleWithResponse() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		var response client.Response
		page, err := c.GetList(client.WithResponse(context.Background(), &response), 2, client.Query{PerPage: 2})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(response.Status == http.StatusNotModified, response.ETag != "", response.RequestID != "", len(page.Data))
	}
	// Output:
	// false true true 2
	// true true true 2
}

// Pages is for work that goes by the page, such as a progress bar.
func ExampleClient_Pages() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	var done int
	for page, err := range c.Pages(context.Background(), 2, client.Query{PerPage: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		done += len(page.Data)
		fmt.Println(done)
	}
	// Output:
	// 2
	// 4
	// 5
}
