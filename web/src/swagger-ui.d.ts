declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  const SwaggerUI: (options: Record<string, unknown>) => {
    preauthorizeApiKey(scheme: string, value: string): void;
    authActions: { logout(schemes: string[]): void };
  };
  export default SwaggerUI;
}
