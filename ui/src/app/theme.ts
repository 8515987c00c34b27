import {
  ActionIcon,
  Button,
  createTheme,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  NativeSelect,
  SegmentedControl,
  Switch,
  TextInput,
  Tooltip,
} from '@mantine/core';

const wire: MantineColorsTuple = [
  '#eef0fd',
  '#dadffa',
  '#b3bdf5',
  '#8a99ef',
  '#687ce9',
  '#5469e4',
  '#4c62e0',
  '#3f55d6',
  '#3347bd',
  '#28399b',
];

const dark: MantineColorsTuple = [
  '#e8ebf0',
  '#c3cad5',
  '#9ba5b4',
  '#6f7a8a',
  '#414957',
  '#2a303a',
  '#1f242c',
  '#171b21',
  '#0f1216',
  '#0a0c0f',
];

const input = {
  '--input-height': 'var(--control)',
  '--input-size': 'var(--control)',
  '--input-bg': 'var(--card)',
};

/** Our tokens (tokens.css) in Mantine's words. */
export const theme = createTheme({
  colors: { wire, dark },
  primaryColor: 'wire',
  primaryShade: { light: 7, dark: 6 },
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  headings: { fontFamily: 'var(--font)', fontWeight: '600' },
  fontSizes: {
    xs: 'var(--fs-small)',
    sm: 'var(--fs-body)',
    md: 'var(--fs-body)',
    lg: 'var(--fs-lead)',
    xl: 'var(--fs-title)',
  },
  defaultRadius: 'var(--radius)',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({
      vars: (_, props) => ({
        root: {
          '--button-height': props.size?.startsWith('compact') ? undefined : 'var(--control)',
        },
      }),
    }),
    ActionIcon: ActionIcon.extend({
      defaultProps: { variant: 'subtle', color: 'gray' },
      vars: () => ({ root: { '--ai-size': 'var(--control)' } }),
    }),
    NativeSelect: NativeSelect.extend({ vars: () => ({ wrapper: input }) }),
    SegmentedControl: SegmentedControl.extend({
      defaultProps: { withItemsBorders: false },
    }),
    TextInput: TextInput.extend({ vars: () => ({ wrapper: input }) }),
    Switch: Switch.extend({ defaultProps: { size: 'md' } }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        multiline: true,
        maw: 300,
        withArrow: true,
        openDelay: 200,
        events: { hover: true, focus: true, touch: true },
      },
    }),
  },
});

const surfaces = {
  '--mantine-color-body': 'var(--page)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-soft)',
  '--mantine-color-placeholder': 'var(--text-soft)',
  '--mantine-color-default': 'var(--card)',
  '--mantine-color-default-hover': 'var(--sunken)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-gray-light-hover': 'var(--sunken)',
  '--mantine-color-gray-light-color': 'var(--text-soft)',
  '--mantine-color-anchor': 'var(--accent-text)',
};

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: surfaces,
  dark: surfaces,
});
